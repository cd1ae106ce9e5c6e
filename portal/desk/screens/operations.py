"""Operations: what is to be sent, what became of it, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html

from portal.desk import show
from portal.desk.abilities import PROMISES
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import Button, Reason, ReasonAndId, button, in_state
from portal.desk.filters import ConnectionFilter, FlowFilter
from portal.desk.panels import Panel, raw, table, text, timeline, values
from portal.desk.records import record_link
from portal.desk.waiting import standing
from portal.sdk import Promise
from portal.sync import mending
from portal.sync.models import Case, Operation
from portal.sync.workers import spoken

State = Operation.State
MEND = "sync.mend_operation"


class Group(admin.SimpleListFilter):
    """The states as people think of them."""

    title = "what to look at"
    parameter_name = "group"
    GROUPS: dict[str, tuple[str, tuple[str, ...]]] = {
        "stuck": ("stuck, needs a person", (State.HELD, State.REVIEW, State.DEAD)),
        "open": ("on its way", (State.READY, State.SENDING, State.RETRY_WAIT, State.UNKNOWN)),
        "ended": ("ended", (State.DONE, State.CANCELLED)),
    }

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in self.GROUPS.items()]

    def queryset(self, request: HttpRequest, rows: QuerySet[Operation]) -> QuerySet[Operation]:
        _, states = self.GROUPS.get(self.value() or "", ("", ()))
        return rows.filter(state__in=states) if states else rows


@admin.register(Operation)
class OperationAdmin(ReadOnlyAdmin):
    joined = ["connection"]
    list_display = ["what", "status", "record", "to", "cause", "attempts", "since", "said"]
    list_filter = [
        Group,
        "state",
        "kind",
        ("connection", ConnectionFilter),
        "cause",
        "promise",
        ("flow", FlowFilter),
    ]
    search_fields = ["label", "op_key", "remote_id", "cause"]
    search_help_text = "Record, operation key, its id there, or cause"
    date_hierarchy = "created_at"
    empty = "Operations appear when a live flow has something to send."
    actions = ["try_again_chosen", "cancel_chosen"]
    buttons = ["try_again", "mark_done", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Operation]:
        return super().get_queryset(request).defer("payload", "receipt")

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MEND))

    # -- the list --

    @admin.display(description="operation", ordering="id")
    def what(self, row: Operation) -> str:
        return f"{row.kind} {row.label}"

    @admin.display(description="state", ordering="state")
    def status(self, row: Operation) -> str:
        return standing(row)

    @admin.display(ordering="record_id")
    def record(self, row: Operation) -> str:
        return record_link(row.kind, row.record_id, f"the {row.kind}")

    @admin.display(ordering="connection__name")
    def to(self, row: Operation) -> str:
        return show.row_link(row.connection)

    @admin.display(ordering="created_at")
    def since(self, row: Operation) -> str:
        return show.ago(row.created_at)

    @admin.display(description="message")
    def said(self, row: Operation) -> str:
        return format_html('<span class="desk-clip" title="{0}">{0}</span>', row.message or show.NOTHING)

    @admin.action(description="Try again", permissions=["mend"])
    def try_again_chosen(self, request: HttpRequest, rows: QuerySet[Operation]) -> None:
        ids = list(rows.values_list("pk", flat=True))
        done = mending.retry_operations(ids, request.user)
        self._say(request, done, len(ids), "are tried again")

    @admin.action(description="Cancel…", permissions=["mend"])
    def cancel_chosen(self, request: HttpRequest, rows: QuerySet[Operation]) -> HttpResponse | None:
        """Asks for the reason first; the chosen rows travel through that page."""
        form = Reason(request.POST if "asked" in request.POST else None)
        if form.is_valid():
            ids = list(rows.values_list("pk", flat=True))
            done = mending.cancel_operations(ids, request.user, form.cleaned_data["reason"])
            self._say(request, done, len(ids), "are cancelled")
            return None
        chosen = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Cancel {rows.count()} operations",
            "button": Button("cancel_chosen", "Cancel them", MEND, str, style="danger", asks=CANCEL_ASKS),
            "form": form,
            "media": self.media + form.media,
            "hidden": [
                ("action", "cancel_chosen"),
                ("asked", "1"),
                ("select_across", request.POST.get("select_across", "0")),
                *((helpers.ACTION_CHECKBOX_NAME, pk) for pk in chosen),
            ],
            "back": reverse("admin:sync_operation_changelist"),
        }
        return render(request, "desk/ask.html", context)

    def _say(self, request: HttpRequest, done: int, chosen: int, did: str) -> None:
        left = (
            f" {chosen - done} were left as they are: their state does not allow it." if done < chosen else ""
        )
        self.message_user(
            request, f"{done} operations {did}.{left}", messages.SUCCESS if done else messages.WARNING
        )

    # -- the page --

    def panels(self, request: HttpRequest, row: Operation) -> Iterator[Panel]:
        if row.message:
            yield text("What happened", row.message, TONES.get(row.state, ""), wide=True)
        yield _summary(row)
        yield _state(row)
        if show.may_view(request, Case):
            yield _cases(row)
        yield table(
            "What it does to the stock there",
            ["Product", "Location", "Pieces#"],
            [
                (show.row_link(each.product), show.row_link(each.location), f"{each.quantity.normalize():+f}")
                for each in row.effects.select_related("product", "location").defer(*HEAVY)
            ],
            empty="Nothing.",
        )
        yield table(
            "Attempts",
            ["#", "Began", "Took#", "Outcome", "Message"],
            [
                (
                    each.number,
                    show.moment(each.started_at),
                    f"{each.milliseconds} ms",
                    each.outcome,
                    each.message,
                )
                for each in row.tries.all()[:50]
            ],
            empty="It was not tried yet.",
            wide=True,
        )
        yield timeline([(row.kind, [row.record_id])])
        yield raw("The operation in full", what_is_sent=row.payload, receipt=row.receipt)

    # -- the buttons --

    @button("Try again", permission=MEND, icon="replay", style="primary", shown=in_state(*mending.RETRYABLE))
    def try_again(self, request: HttpRequest, row: Operation) -> str:
        if not mending.retry_operations([row.pk], request.user):
            raise ValueError(f"{row} cannot be tried again now: it is {row.get_state_display()}.")
        return f"{row} is tried again."

    @button(
        "Mark done",
        permission=MEND,
        icon="task_alt",
        form=ReasonAndId,
        shown=in_state(*mending.FINISHABLE),
        asks="Only when you have seen in the other system that it is done: the portal will take your word for it.",
    )
    def mark_done(self, request: HttpRequest, row: Operation, remote_id: str, reason: str) -> str:
        mending.mark_done(row, remote_id, request.user, reason)
        return f"{row} counts as done."

    @button(
        "Cancel",
        permission=MEND,
        icon="cancel",
        style="danger",
        form=Reason,
        shown=in_state(*mending.CANCELLABLE),
        asks="It will not be sent. A later change of the record is sent again.",
    )
    def cancel(self, request: HttpRequest, row: Operation, reason: str) -> str:
        if not mending.cancel_operations([row.pk], request.user, reason):
            raise ValueError(f"{row} cannot be cancelled now: it is {row.get_state_display()}.")
        return f"{row} is cancelled."


CANCEL_ASKS = "They will not be sent. A later change of a record is sent again."
TONES: dict[str, str] = {
    State.HELD: "bad",
    State.REVIEW: "bad",
    State.DEAD: "bad",
    State.RETRY_WAIT: "warn",
    State.UNKNOWN: "warn",
}
HEAVY = ("product__data", "product__raw", "location__data", "location__raw")


def _summary(row: Operation) -> Panel:
    return values(
        "Operation",
        [
            ("Record", record_link(row.kind, row.record_id, f"{row.kind} {row.label}")),
            ("To", show.row_link(row.connection)),
            ("Flow", show.row_link(row.flow)),
            ("Key", row.op_key),
            ("Intent", f"version {row.intent} of what the record should be there"),
            ("Promise", f"{row.promise}: {PROMISES[Promise(row.promise)]}"),
            ("Written", show.moment(row.created_at)),
        ],
    )


def _state(row: Operation) -> Panel:
    return values(
        "State",
        [
            ("Now", standing(row)),
            ("Cause", row.cause),
            ("Due", show.ago(row.due_at) if row.state in Operation.OPEN else ""),
            ("Attempts", row.attempts),
            ("Looked up first", "yes: it may have been sent before the restore" if row.look_up_first else ""),
            ("Id there", row.remote_id),
            ("Ended", show.moment(row.finished_at)),
            (
                "Being sent by",
                f"{spoken(row.worker)}, until {row.lease_until:%H:%M:%S}" if row.lease_until else "",
            ),
        ],
    )


def _cases(row: Operation) -> Panel:
    items = row.case_items.select_related("case")
    return table(
        "Cases",
        ["Case", "State", "What to do"],
        [(show.row_link(item.case), show.state(item.case), item.case.mend) for item in items],
        empty="No case is about it.",
    )
