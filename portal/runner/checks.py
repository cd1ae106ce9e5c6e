"""What is told at every start, whatever is started."""

from typing import Any

from django.conf import settings
from django.core import checks


@checks.register()
def variables_are_known(**_: Any) -> list[checks.CheckMessage]:
    """A misspelled variable would leave its default in force, silently."""
    return [
        checks.Warning(said, hint="docs/configuration.md has every variable.", id="portal.W003")
        for said in settings.UNKNOWN_VARIABLES
    ]
