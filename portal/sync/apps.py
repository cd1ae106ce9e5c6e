import gc

from django.apps import AppConfig


class SyncConfig(AppConfig):
    name = "portal.sync"
    label = "sync"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = "Sync"

    def ready(self) -> None:
        from portal.sync import deadlines  # noqa: F401 (registers its check)

        # What is loaded by now stays. A page makes thousands of short-lived values, and looking through all of this
        # again at each collection was an eighth of its cost; workers that fork share it, too.
        gc.freeze()
