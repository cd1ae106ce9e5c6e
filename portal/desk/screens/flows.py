"""Flows: who feeds whom, and the switch of each."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.base import DeskAdmin
from portal.desk.buttons import button, in_state
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, table, text, values
from portal.desk.picture import HELD, picture
from portal.desk.screens.backfills import SpanForm, moments
from portal.desk.waiting import trouble
from portal.plugins.manager import UnknownConnector
from portal.sync.backfill import DATED, ask
from portal.sync.doors import ring_pulls
from portal.sync.flows import ACTIVE
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Flow, Job, Operation
from portal.sync.switching import obstacles, switch

State = Flow.State
SWITCH = "sync.switch_flow"

WORDS = {
    State.DRAFT: "Nothing is read or sent. Rehearse it to see what would happen, or start it.",
    State.REHEARSAL: "Everything is read and computed, nothing is sent. See the timelines of the records.",
    State.LIVE: "What changes at the source is sent to the target.",
    State.PAUSED: "It goes on reading and computing; what is due waits and is sent when it is resumed.",
}


class FlowForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        draft = Flow(kind=cleaned["kind"], source=cleaned["source"], target=cleaned["target"])
        try:
            found = obstacles(draft)
        except UnknownConnector as error:
            found = [str(error)]
        if found:
            raise ValidationError(found)
        return cleaned


@admin.register(Flow)
class FlowAdmin(DeskAdmin):
    form = FlowForm
    joined = ["source", "target"]
    list_display = [
        "flow",
        "status",
        "source_link",
        "target_link",
        "waiting",
        "held",
        "last_read",
        "last_sent",
    ]
    list_filter = ["state", "kind", ("source", ConnectionFilter), ("target", ConnectionFilter)]
    search_fields = ["source__name", "target__name", "kind"]
    list_before_template = "desk/flows_picture.html"
    empty = "A flow brings one kind of record from one connection to another. Add the connections first."
    buttons = ["start", "rehearse", "pause", "resume", "back_to_draft", "backfill"]
    fields = ["kind", "source", "target", "start_at", "every", "buffer"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flow]:
        pull = Job.objects.filter(
            connection=OuterRef("source"), name=Concat(Value("pull:"), OuterRef("kind"))
        ).values("last_ok_at")
        sent = Operation.objects.filter(flow=OuterRef("pk"), state=Operation.State.DONE).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .annotate(
                waiting_count=_counted(~Q(state__in=HELD)),
                held_count=_counted(Q(state__in=HELD)),
                read_at=Subquery(pull[:1]),
                sent_at=Subquery(sent.values("finished_at")[:1]),
            )
        )

    # -- the list --

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "panel": {"pairs": picture()}})

    @admin.display(ordering="kind")
    def flow(self, row: Flow) -> str:
        return row.get_kind_display()

    @admin.display(description="state", ordering="state")
    def status(self, row: Flow) -> str:
        return show.state(row)

    @admin.display(description="from", ordering="source__name")
    def source_link(self, row: Flow) -> str:
        return show.row_link(row.source)

    @admin.display(description="to", ordering="target__name")
    def target_link(self, row: Flow) -> str:
        return show.row_link(row.target)

    @admin.display(ordering="waiting_count")
    def waiting(self, row: Any) -> str:
        return _number(row, row.waiting_count, "open")

    @admin.display(ordering="held_count")
    def held(self, row: Any) -> str:
        return _number(row, row.held_count, "stuck")

    @admin.display(ordering="read_at")
    def last_read(self, row: Any) -> str:
        return show.ago(row.read_at, "never")

    @admin.display(ordering="sent_at")
    def last_sent(self, row: Any) -> str:
        return show.ago(row.sent_at, "never")

    # -- the form --

    def get_readonly_fields(self, request: HttpRequest, obj: Flow | None = None) -> list[str]:
        # What was already sent belongs to the route it took.
        return ["kind", "source", "target"] if obj else []

    def get_form(
        self, request: HttpRequest, obj: Flow | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is not None:
            kwargs["form"] = forms.ModelForm
        return super().get_form(request, obj, change, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs["queryset"] = Connection.objects.defer("credentials", "webhook_secrets")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Flow, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        ensure_jobs()
        if change and "buffer" in form.changed_data:
            ring_pulls(obj.source, ["check:stock"])

    def has_delete_permission(self, request: HttpRequest, obj: Flow | None = None) -> bool:
        # A flow that has sent something is history; it can be paused.
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and (obj is None or not obj.operations.exists())

    # -- the page --

    def panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        numbers = row.operations.order_by().values("state").annotate(number=Count("pk"))
        by_state = {Operation.State(each["state"]): each["number"] for each in numbers}
        waits = [
            text(
                f"It waits for {end}",
                f"{end} is {why}. Nothing is lost; it goes on by itself.",
                "warn",
                wide=True,
                above=True,
            )
            for end in (row.source, row.target)
            if (why := trouble(end))
        ]
        found = [
            text(f"This flow is {row.get_state_display()}", WORDS[State(row.state)], wide=True, above=True),
            *waits,
            values(
                "How far it is",
                [
                    ("Last read", show.ago(row.read_at, "never")),
                    ("Last sent", show.ago(row.sent_at, "never")),
                    ("From", show.row_link(row.source)),
                    ("To", show.row_link(row.target)),
                ],
            ),
        ]
        if show.may_view(request, Operation):
            found.append(
                table(
                    "Operations",
                    ["State", "Number#"],
                    [
                        (
                            show.pill(state.label, show.TONES[state]),
                            show.link(
                                show.listing(Operation, flow__id__exact=row.pk, state__exact=state.value),
                                by_state[state],
                            ),
                        )
                        for state in Operation.State
                        if state in by_state
                    ],
                    empty="Nothing was routed yet.",
                )
            )
        return found

    # -- the buttons --

    @button(
        "Start",
        permission=SWITCH,
        icon="play_arrow",
        style="primary",
        shown=in_state(State.DRAFT, State.REHEARSAL),
    )
    def start(self, request: HttpRequest, row: Flow) -> str:
        switch(row, State.LIVE, request.user)
        return f"{row} is live. What is at {row.source} already is sent as well."

    @button("Rehearse", permission=SWITCH, icon="theater_comedy", shown=in_state(State.DRAFT))
    def rehearse(self, request: HttpRequest, row: Flow) -> str:
        switch(row, State.REHEARSAL, request.user)
        return f"{row} is rehearsed: the records' timelines say what would be sent."

    @button("Pause", permission=SWITCH, icon="pause", shown=in_state(State.LIVE))
    def pause(self, request: HttpRequest, row: Flow) -> str:
        switch(row, State.PAUSED, request.user)
        return f"{row} is paused. It goes on reading; nothing is lost."

    @button("Resume", permission=SWITCH, icon="play_arrow", style="primary", shown=in_state(State.PAUSED))
    def resume(self, request: HttpRequest, row: Flow) -> str:
        switch(row, State.LIVE, request.user)
        return f"{row} is live again. What waited is being sent."

    @button(
        "Backfill",
        permission="sync.add_backfill",
        icon="history",
        form=SpanForm,
        shown=lambda flow: flow.state in ACTIVE and flow.kind in DATED,
        asks="Everything of these days is read again from the source, beside what is read all the time. What is "
        "missing comes in and is sent on; nothing is sent twice.",
    )
    def backfill(self, request: HttpRequest, row: Flow, first_day: date, last_day: date) -> str:
        made = ask(row.source, row.kind, *moments(first_day, last_day), by=request.user)
        left = ""
        if row.start_at and made.since < row.start_at:
            left = f" What was before {timezone.localtime(row.start_at):%d %b %Y, %H:%M} comes in, but this flow leaves it alone."
        return f"{made} are read again; see Backfills for how far it is.{left}"

    @button("Back to draft", permission=SWITCH, icon="undo", shown=in_state(State.REHEARSAL))
    def back_to_draft(self, request: HttpRequest, row: Flow) -> str:
        switch(row, State.DRAFT, request.user)
        return f"{row} is a draft again; nothing is read for it."


def _counted(which: Q) -> Subquery:
    """How many unfinished operations of the flow are like that."""
    rows = (
        Operation.objects.filter(
            which, flow=OuterRef("pk"), state__in=[*Operation.OPEN, Operation.State.DEAD]
        )
        .order_by()
        .values("flow")
        .annotate(number=Count("pk"))
    )
    return Subquery(rows.values("number"))


def _number(row: Flow, count: int | None, group: str) -> str:
    if not count:
        return show.NOTHING
    return show.link(show.listing(Operation, flow__id__exact=row.pk, group=group), count)
