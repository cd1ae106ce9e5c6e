"""The room as a Django app, for its command `serve`."""

from django.apps import AppConfig


class RunnerConfig(AppConfig):
    name = "portal.runner"
    label = "portal_runner"
    verbose_name = "Runner"

    def ready(self) -> None:
        from portal.runner import checks  # noqa: F401 - registers itself
