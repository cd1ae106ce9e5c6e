from django.apps import AppConfig


class ConnectionsConfig(AppConfig):
    name = "portal.connections"
    label = "connections"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Connections"

    def ready(self) -> None:
        from portal.connections.plugin_settings import read
        from portal.sdk.contributions import settings_are_kept_by

        settings_are_kept_by(read)
