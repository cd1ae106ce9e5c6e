"""Plugins: what each brings, why one is left out, and switching them on and off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import button
from portal.desk.panels import Panel, table, text, values
from portal.plugins.admission import State
from portal.plugins.failures import forget
from portal.plugins.models import Plugin
from portal.plugins.overview import FAILED, Line, as_text, overview
from portal.plugins.switches import note_installed, switch

SWITCH = "portal_plugins.switch_plugin"
TONES = {
    State.ADMITTED: "good",
    State.DISABLED: "quiet",
    State.REFUSED: "bad",
    State.UNTRIED: "warn",
    State.QUARANTINED: "bad",
    FAILED: "bad",
}


@admin.register(Plugin)
class PluginAdmin(ReadOnlyAdmin):
    list_display = ["name", "version", "distribution", "state", "failing", "what_it_brings", "why"]
    list_filter = ["enabled"]
    search_fields = ["name", "last_error"]
    empty = "Install a plugin's package beside the portal and start the portal again."
    buttons = ["switch_off", "switch_on", "seen_to"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        note_installed(line.name for line in overview())
        return super().changelist_view(request, extra_context)

    # -- the list --

    @admin.display
    def version(self, row: Plugin) -> str:
        return show.lines(line.version for line in _lines(row))

    @admin.display
    def distribution(self, row: Plugin) -> str:
        return show.lines(line.distribution for line in _lines(row))

    @admin.display(ordering="enabled")
    def state(self, row: Plugin) -> str:
        off = [] if row.enabled else [show.pill("switched off", "quiet")]
        found = [show.pill(line.state, TONES[line.state]) for line in _lines(row)]
        return show.lines([*off, *(found or [show.pill("not installed", "quiet")])])

    @admin.display(description="in service", ordering="failures")
    def failing(self, row: Plugin) -> str:
        return show.pill(f"{row.failures} failures", "bad") if row.failures else show.NOTHING

    @admin.display(description="brings")
    def what_it_brings(self, row: Plugin) -> str:
        return show.lines(as_text(line.brings) for line in _lines(row))

    @admin.display(description="reason")
    def why(self, row: Plugin) -> str:
        said = " ".join(reason for line in _lines(row) for reason in line.reasons)
        return format_html('<span class="desk-clip" title="{0}">{0}</span>', said or show.NOTHING)

    # -- the page --

    def panels(self, request: HttpRequest, row: Plugin) -> Iterator[Panel]:
        lines = _lines(row)
        if not lines:
            yield text(
                "Not installed", "Its connections and jobs wait until it is installed again.", wide=True
            )
        for line in lines:
            for reason in line.reasons:
                tone = "bad" if line.wrong else ""
                yield text("Why it is left out", reason, tone, wide=True, above=True)
        if row.failures:
            yield _service(row)
        for line in lines:
            yield values(
                "Plugin",
                [
                    ("Name", line.name),
                    ("Version", line.version),
                    ("Distribution", line.distribution),
                    ("State", self.state(row)),
                ],
            )
            yield _brought(line)

    @button("Switch off", permission=SWITCH, icon="power_settings_new", shown=lambda row: row.enabled)
    def switch_off(self, request: HttpRequest, row: Plugin) -> str:
        switch(row.name, on=False)
        return f"{row} is switched off: nothing of it is begun any more, and what comes up waits."

    @button(
        "Switch on",
        permission=SWITCH,
        icon="power_settings_new",
        style="primary",
        shown=lambda row: not row.enabled,
    )
    def switch_on(self, request: HttpRequest, row: Plugin) -> str:
        switch(row.name, on=True)
        return f"{row} is switched on: what has waited is worked off."

    @button("Seen to", permission=SWITCH, icon="check", shown=lambda row: row.failures > 0)
    def seen_to(self, request: HttpRequest, row: Plugin) -> str:
        forget(row.name)
        return f"The failures of {row} are counted anew."


def _lines(row: Plugin) -> list[Line]:
    """Two where two distributions bring a plugin of that name."""
    return [line for line in overview() if line.name == row.name]


def _service(row: Plugin) -> Panel:
    return values(
        "Failures in service",
        [
            ("How many", row.failures),
            ("Since", show.ago(row.failing_since)),
            ("The last", show.ago(row.last_failed_at)),
            ("It said", row.last_error),
        ],
        wide=True,
        above=True,
    )


def _brought(line: Line) -> Panel:
    brings = line.brings
    rows = [
        *(("connector", connector.key, connector.title) for connector in brings.connectors),
        *(("job", job.name, f"{job.title}, every {show.span(job.every)}") for job in brings.jobs),
        *(("hook", hook, show.NOTHING) for hook in brings.hooks),
        *(("Django app", app, show.NOTHING) for app in [brings.app] if app),
    ]
    return table("What it brings", ["Kind", "Name", "What"], rows, empty="Nothing while it is left out.")
