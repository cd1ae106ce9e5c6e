"""The room as a Django app, so that its system checks are found."""

from django.apps import AppConfig


class PluginsConfig(AppConfig):
    name = "portal.plugins"
    label = "portal_plugins"
    verbose_name = "Plugins"

    def ready(self) -> None:
        from portal.plugins import checks  # noqa: F401  registers the system checks
