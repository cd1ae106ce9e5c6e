"""Plugins: what each brings, why one is left out, and switching them on and off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelectWidget

from portal.connections.models import Connection
from portal.connections.plugin_switches import paused_connections, switch_for
from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import Button, button
from portal.desk.panels import Panel, text, values
from portal.desk.plugin_panels import brought, in_service, in_short, where_it_works
from portal.desk.plugin_settings_form import save_settings, settings_form, shown_plugin_settings
from portal.plugins.admission import State
from portal.plugins.discovery import PORTAL
from portal.plugins.failures import forget
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.overview import FAILED, Line, overview
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


MEND = {
    State.QUARANTINED: "Install a mended version: it is tried at the next start. To try this one again, run "
    "./run manage plugins preflight and start the portal again.",
    FAILED: "The log has the traceback. Install a mended version and start the portal again.",
}
"""What to do, where the reason does not say it."""
CHANGE = "portal_plugins.change_plugin"
REMOVE = (
    "Switch {0} off to stop it at once. ./run manage plugins remove {0} says what it would leave behind, and with --yes "
    "exports and deletes that; then uninstall its package and start the portal again."
)


class Chosen(forms.Form):
    """Which connection."""

    connection = forms.ModelChoiceField(Connection.objects.none(), widget=UnfoldAdminSelectWidget())


def _has_settings(row: Plugin) -> bool:
    return plugins().settings_class(row.name) is not None


def _is_here(row: Plugin) -> bool:
    return row.name in plugins().names()


@admin.register(Plugin)
class PluginAdmin(ReadOnlyAdmin):
    list_display = ["name", "state", "failing", "what_it_brings", "version", "distribution", "why"]
    list_filter = ["enabled"]
    search_fields = ["name", "last_error"]
    empty = "Install a plugin's package beside the portal and start the portal again."
    buttons = ["change_settings", "switch_off", "switch_on", "switch_off_for", "switch_on_for", "seen_to"]

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
        return show.lines(in_short(line.brings) for line in _lines(row))

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
                said = "\n".join(filter(None, [reason, MEND.get(line.state, "")]))
                yield text("Why it is left out", said, tone, wide=True, above=True)
        if row.failures:
            yield in_service(row)
        for line in lines:
            yield values(
                "Plugin",
                [
                    ("Name", line.name),
                    ("Version", line.version),
                    ("Distribution", line.distribution),
                    ("State", self.state(row)),
                ],
                wide=True,
            )
            if not line.reasons:
                yield brought(line)
        if lines and request.user.has_perm("connections.view_connection"):
            yield where_it_works(row)
        if plugins().settings_class(row.name):
            yield values("Settings", shown_plugin_settings(row.name))
        if any(line.distribution != PORTAL for line in lines):
            yield text("To be rid of it", REMOVE.format(row), wide=True)

    # -- the buttons --

    def button_form(self, row: Plugin, button: Button, data: Any) -> Any:
        if button.name == "change_settings" and _has_settings(row):
            return settings_form(row.name)(data)
        form = super().button_form(row, button, data)
        if "connection" in form.fields:
            paused = paused_connections(row.name)
            chosen = {"pk__in": paused} if button.name == "switch_on_for" else {}
            rows = Connection.objects.filter(**chosen).defer("credentials", "webhook_secrets")
            form.fields["connection"].queryset = rows if chosen else rows.exclude(pk__in=paused)
        return form

    @button("Settings", does="Save", permission=CHANGE, icon="tune", form=forms.Form, shown=_has_settings)
    def change_settings(self, request: HttpRequest, row: Plugin, **given: Any) -> str:
        if not _has_settings(row):
            raise ValueError(f"{row} has no settings of its own.")
        return f"Saved: {save_settings(row.name, given)}"

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

    @button(
        "Off for a connection",
        permission=SWITCH,
        icon="link_off",
        form=Chosen,
        shown=_is_here,
        asks="For what belongs to that connection nothing of this plugin is done any more. Nothing is lost.",
    )
    def switch_off_for(self, request: HttpRequest, row: Plugin, connection: Connection) -> str:
        switch_for(connection, row.name, on=False)
        return f"{row} is switched off for {connection}."

    @button(
        "On for a connection",
        permission=SWITCH,
        icon="link",
        form=Chosen,
        shown=lambda row: bool(paused_connections(row.name)),
    )
    def switch_on_for(self, request: HttpRequest, row: Plugin, connection: Connection) -> str:
        switch_for(connection, row.name, on=True)
        return f"{row} is switched on for {connection}: what has waited is worked off."

    @button("Seen to", permission=SWITCH, icon="check", shown=lambda row: row.failures > 0)
    def seen_to(self, request: HttpRequest, row: Plugin) -> str:
        forget(row.name)
        return f"The failures of {row} are counted anew."


def _lines(row: Plugin) -> list[Line]:
    """Two where two distributions bring a plugin of that name."""
    return [line for line in overview() if line.name == row.name]
