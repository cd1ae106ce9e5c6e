"""The room as a Django app, so that its system checks are found."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class PluginsConfig(AppConfig):
    name = "portal.plugins"
    label = "portal_plugins"
    verbose_name = "Plugins"

    def ready(self) -> None:
        from portal.plugins import checks  # noqa: F401  registers the system checks
        from portal.plugins.permissions import make_permissions

        post_migrate.connect(make_permissions, sender=self)
