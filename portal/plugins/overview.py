"""Every plugin with what was decided about it and what became of it, for people: the list, the page, the banner."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from portal.plugins.admission import Admission, State
from portal.plugins.manager import Brings, plugins

FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Line:
    """One installed plugin. `reasons` are sentences, none where all is well."""

    name: str
    distribution: str
    version: str
    state: str
    reasons: tuple[str, ...]
    brings: Brings

    @property
    def wrong(self) -> bool:
        return bool(self.reasons) and self.state != State.DISABLED


def overview() -> list[Line]:
    """All installed plugins, as this process knows them; no query."""
    return [_line(admission) for admission in settings.PLUGINS.decided]


def names_left_out() -> list[str]:
    """The plugins that are wrong, each once; cheap enough for every page."""
    failed = [failure.plugin for failure in plugins().failures]
    return list(dict.fromkeys([*(each.source.name for each in settings.PLUGINS.left_out), *failed]))


def as_text(brings: Brings) -> str:
    """Such as `connector acme; app acme; jobs sweep, tidy; hooks register_jobs`."""
    parts = (
        ("connector", [connector.key for connector in brings.connectors]),
        ("app", [brings.app] if brings.app else []),
        ("job", [job.name for job in brings.jobs]),
        ("hook", list(brings.hooks)),
    )
    return "; ".join(f"{one}{'s' * (len(names) > 1)} {', '.join(names)}" for one, names in parts if names)


def _line(admission: Admission) -> Line:
    source, manager = admission.source, plugins()
    if admission.state is not State.ADMITTED:
        return Line(
            source.name,
            source.distribution,
            source.version,
            admission.state,
            (admission.reason,),
            Brings(),
        )
    failed = tuple(failure.reason for failure in manager.failures if failure.plugin == source.name)
    return Line(
        source.name,
        source.distribution,
        source.version,
        FAILED if failed else admission.state,
        failed,
        manager.brings(source.name),
    )
