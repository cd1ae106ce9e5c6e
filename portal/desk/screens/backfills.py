"""Backfills: a span of time that staff want to be read again, how far it is, and pausing or stopping it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from unfold.widgets import UnfoldAdminDateWidget, UnfoldAdminSelectWidget

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import button, in_state
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, text, timeline, values
from portal.plugins.manager import UnknownConnector
from portal.sync import backfill
from portal.sync.flows import ACTIVE
from portal.sync.models import Backfill, Flow, Job

State = Backfill.State
CHANGE = "sync.change_backfill"

WORDS = {
    State.WAITING: "A worker begins in a moment, beside what is read all the time.",
    State.RUNNING: "It is read page by page, beside what is read all the time. You may leave this page.",
    State.PAUSED: "It goes on where it was when you resume it.",
    State.DONE: "Everything of that time was read. What was there already was left as it is.",
    State.STOPPED: "Nothing more of it is read. What was read before stays.",
}


class SpanForm(forms.Form):
    """From which day to which, in the portal's time zone, both of them with it."""

    first_day = forms.DateField(label="From", widget=UnfoldAdminDateWidget())
    last_day = forms.DateField(
        label="Up to and with",
        widget=UnfoldAdminDateWidget(),
        help_text="Days in the portal's time zone. What is there already is not sent again.",
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last = cleaned.get("first_day"), cleaned.get("last_day")
        if first and last and first > last:
            self.add_error("last_day", "The last day must not be before the first.")
        return cleaned


def moments(first_day: date, last_day: date) -> tuple[datetime, datetime]:
    """The first moment of one day and the first after another; a day may have 23 or 25 hours."""
    return _midnight(first_day), _midnight(last_day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    # Between moments of one zone Python reckons with the wall clock; in UTC a day is as long as it is.
    return timezone.make_aware(datetime.combine(day, time.min)).astimezone(UTC)


class BackfillForm(SpanForm, forms.ModelForm):
    """What is to be read again: the records of a kind from a connection."""

    what = forms.ChoiceField(label="What", widget=UnfoldAdminSelectWidget())
    field_order = ["what", "first_day", "last_day"]

    class Meta:
        model = Backfill
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["what"].choices = choices()  # type: ignore[attr-defined]

    def chosen(self) -> tuple[Connection, str]:
        connection, _, kind = self.cleaned_data["what"].partition(":")
        return Connection.objects.get(pk=connection), kind


def choices() -> list[tuple[str, str]]:
    """Each kind of record that can be read from each connection, with the flows that carry it on."""
    flows: dict[tuple[int, str], list[str]] = {}
    for flow in Flow.objects.filter(state__in=ACTIVE).select_related("target"):
        flows.setdefault((flow.source_id, flow.kind), []).append(str(flow.target))
    found = []
    for connection in Connection.objects.defer("credentials", "webhook_secrets"):
        for kind, words in Backfill.Kind.choices:
            if _can(connection, kind):
                targets = flows.get((connection.pk, kind), [])
                onward = f" → {', '.join(targets)}" if targets else " (no active flow carries them on)"
                found.append((f"{connection.pk}:{kind}", f"{words} of {connection}{onward}"))
    return found


def _can(connection: Connection, kind: str) -> bool:
    try:
        return backfill.can(connection, kind)
    except UnknownConnector:
        return False


@admin.register(Backfill)
class BackfillAdmin(ReadOnlyAdmin):
    form = BackfillForm
    joined = ["connection"]
    list_display = ["what", "status", "span", "progress", "ends", "asked_by", "asked"]
    list_filter = ["state", "kind", ("connection", ConnectionFilter)]
    search_fields = ["connection__name", "asked_by"]
    empty = (
        "Nothing was read again yet. Add a backfill when records of some days are missing, "
        "or when a new flow should carry what was before it."
    )
    buttons = ["pause", "resume", "stop"]
    change_form_template = "desk/backfill.html"

    # -- adding --

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sync.add_backfill"))

    def get_fieldsets(self, request: HttpRequest, obj: Backfill | None = None) -> list[Any]:
        return [] if obj else [(None, {"fields": ["what", "first_day", "last_day"]})]

    def save_model(self, request: HttpRequest, obj: Backfill, form: Any, change: bool) -> None:
        connection, kind = form.chosen()
        span = moments(form.cleaned_data["first_day"], form.cleaned_data["last_day"])
        obj.pk = backfill.ask(connection, kind, *span, by=request.user).pk
        obj.refresh_from_db()

    # -- the list --

    @admin.display(description="what", ordering="connection__name")
    def what(self, row: Backfill) -> str:
        return str(row)

    @admin.display(description="state", ordering="state")
    def status(self, row: Backfill) -> str:
        return show.state(row)

    @admin.display(ordering="since")
    def span(self, row: Backfill) -> str:
        return spanned(row)

    @admin.display()
    def progress(self, row: Backfill) -> str:
        return show.bar(row.done, row.total) if row.total is not None else f"{row.done} read"

    @admin.display(description="ends")
    def ends(self, row: Backfill) -> str:
        if row.finished_at:
            return show.ago(row.finished_at)
        return show.ago(row.ends_at(), "not known" if row.state == State.RUNNING else show.NOTHING)

    @admin.display(description="asked for", ordering="created_at")
    def asked(self, row: Backfill) -> str:
        return show.ago(row.created_at)

    # -- the page --

    def panels(self, request: HttpRequest, row: Backfill) -> Iterator[Panel]:
        yield text(
            f"This backfill is {row.get_state_display()}", WORDS[State(row.state)], wide=True, above=True
        )
        job = Job.objects.filter(connection=row.connection, name="backfill").first()
        if row.state == State.RUNNING and job and job.last_error:
            yield text(
                "The last page could not be read; it is tried again", job.last_error, "warn", wide=True
            )
        yield values(
            "How far it is",
            [
                ("Read", self.progress(row)),
                ("Ends", self.ends(row)),
                *((name.replace("_", " "), number) for name, number in row.counts.items() if number),
            ],
        )
        yield values(
            "What is read again",
            [
                ("Records", row.get_kind_display()),
                ("From", show.row_link(row.connection)),
                ("Span", spanned(row)),
                ("Asked by", row.asked_by),
                ("Asked", show.moment(row.created_at)),
                ("Ended", show.moment(row.finished_at)),
            ],
        )
        yield timeline([("backfill", [row.pk])])

    # -- the buttons --

    @button("Pause", permission=CHANGE, icon="pause", shown=in_state(*Backfill.AT_WORK))
    def pause(self, request: HttpRequest, row: Backfill) -> str:
        backfill.pause(row, request.user)
        return f"{row}: paused. It can go on where it is."

    @button("Resume", permission=CHANGE, icon="play_arrow", style="primary", shown=in_state(State.PAUSED))
    def resume(self, request: HttpRequest, row: Backfill) -> str:
        backfill.resume(row, request.user)
        return f"{row}: it goes on in a moment."

    @button("Stop", permission=CHANGE, icon="stop", style="danger", shown=in_state(*Backfill.OPEN))
    def stop(self, request: HttpRequest, row: Backfill) -> str:
        backfill.stop(row, request.user)
        return f"{row}: stopped. Nothing more is read; what was read stays."


def spanned(row: Backfill) -> str:
    """``1 Nov to 3 Nov 2026`` where it is whole days, else to the minute."""
    since, until = timezone.localtime(row.since), timezone.localtime(row.until)
    if since.time() == until.time() == time.min:
        last = until.date() - timedelta(days=1)
        return f"{since:%d %b %Y}" if since.date() == last else f"{since:%d %b} to {last:%d %b %Y}"
    return f"{since:%d %b %Y, %H:%M} to {until:%H:%M}"
