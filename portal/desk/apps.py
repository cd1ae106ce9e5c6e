from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "portal.desk"
    label = "desk"
    verbose_name = "Desk"

    def ready(self) -> None:
        # By now every app's admin module is imported: django.contrib.admin stands before us in the settings.
        from django.contrib import admin

        from portal.desk.native import make_native
        from portal.desk.plugin_screens import tie_to_switches

        make_native(admin.site)
        tie_to_switches(admin.site)
