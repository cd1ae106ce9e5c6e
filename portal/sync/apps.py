from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "portal.sync"
    label = "sync"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Sync"

    def ready(self) -> None:
        from portal.sync import deadlines  # noqa: F401 (registers its check)
