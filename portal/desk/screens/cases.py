"""Cases: what needs a person, by cause, with the mending step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.contrib.filters.admin import RelatedDropdownFilter

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import button
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, table, text, values
from portal.desk.plugged import Plugged
from portal.desk.subjects import subject_link
from portal.records.subjects import info_of
from portal.sdk import CaseInfo
from portal.sync import gaps, mending
from portal.sync.models import Case

MEND = "sync.mend_case"
MOST = 200


def _open(row: Case) -> bool:
    return row.state == Case.State.OPEN


def _gap(row: Case) -> bool:
    return _open(row) and row.cause.startswith(gaps.CAUSE)


def _repeatable(row: Case) -> bool:
    return _open(row) and row.items.exclude(operation=None).exists()


@admin.register(Case)
class CaseAdmin(Plugged, ReadOnlyAdmin):
    kind = "case"
    joined = ["connection", "owner"]
    list_display = ["title", "status", "cause", "holds_up", "age", "owner", "connection_link", "what_to_do"]
    list_filter = ["state", "cause", ("connection", ConnectionFilter), ("owner", RelatedDropdownFilter)]
    search_fields = ["title", "cause", "mend", "items__label", "items__message"]
    search_help_text = "Title, cause, or what it holds up"
    date_hierarchy = "opened_at"
    ordering = ["-state", "cause", "-seen_at"]
    empty = "Nothing needs a person. When something does, it stands here with what to do about it."
    actions = ["assign_chosen"]
    buttons = ["fetch_missing", "try_all_again", "assign_to_me", "resolve"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        held = Count("items", filter=Q(items__resolved_at=None), distinct=True)
        return super().get_queryset(request).annotate(held_count=held)

    def has_mend_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(MEND))

    def subject(self, row: Case) -> CaseInfo:
        at = info_of(row.connection) if row.connection else None
        return CaseInfo(id=row.pk, cause=row.cause, title=row.title, mend=row.mend, connection=at)

    def connection(self, row: Case) -> Connection | None:
        return row.connection

    # -- the list --

    @admin.display(description="state", ordering="state")
    def status(self, row: Case) -> str:
        return show.state(row)

    @admin.display(ordering="held_count")
    def holds_up(self, row: Any) -> str:
        return show.number(row.held_count)

    @admin.display(ordering="opened_at")
    def age(self, row: Case) -> str:
        return show.ago(row.opened_at)

    @admin.display(description="connection", ordering="connection__name")
    def connection_link(self, row: Case) -> str:
        return show.row_link(row.connection)

    @admin.display(description="what to do")
    def what_to_do(self, row: Case) -> str:
        return format_html('<span class="desk-clip" title="{0}">{0}</span>', row.mend)

    @admin.action(description="Assign to me", permissions=["mend"])
    def assign_chosen(self, request: HttpRequest, rows: QuerySet[Case]) -> None:
        number = Case.objects.filter(pk__in=rows.values("pk")).update(owner=request.user)
        self.message_user(request, f"{number} cases are yours.")

    # -- the page --

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        if row.mend:
            yield text("What to do", row.mend, "warn" if _open(row) else "good", wide=True)
        yield values(
            "Case",
            [
                ("State", show.state(row)),
                ("Cause", row.cause),
                ("Holds up", row.held_count),
                ("Connection", show.row_link(row.connection)),
                ("Owner", row.owner or "nobody yet"),
                ("Opened", show.moment(row.opened_at)),
                ("Last met", show.ago(row.seen_at)),
                ("Resolved", show.moment(row.resolved_at)),
            ],
            wide=True,
        )
        items = (
            row.items.select_related("operation")
            .defer("operation__payload")
            .order_by("resolved_at", "-seen_at")
        )
        yield table(
            "What it holds up"
            if row.held_count <= MOST
            else f"What it holds up: the latest {MOST} of {row.held_count}",
            ["What", "Message", "Operation", "Last met", "Settled"],
            [
                (
                    subject_link(item),
                    item.message,
                    show.row_link(item.operation, show.state(item.operation))
                    if item.operation
                    else show.NOTHING,
                    show.ago(item.seen_at),
                    show.ago(item.resolved_at, "open"),
                )
                for item in items[:MOST]
            ],
            empty="Nothing any more.",
            wide=True,
        )

    # -- the buttons --

    @button(
        "Fetch what is missing", permission="sync.add_backfill", icon="history", style="primary", shown=_gap
    )
    def fetch_missing(self, request: HttpRequest, row: Case) -> str:
        number = gaps.fetch_missing(row, request.user)
        if not number:
            raise ValueError("All of it is being read again already; see Backfills.")
        return (
            f"{row.connection} is read again for {number} stretches of time; see Backfills for how far it is."
        )

    @button(
        "Try all again", permission="sync.mend_operation", icon="replay", style="primary", shown=_repeatable
    )
    def try_all_again(self, request: HttpRequest, row: Case) -> str:
        ids = row.items.filter(resolved_at=None).exclude(operation=None).values_list("operation", flat=True)
        done = mending.retry_operations(list(ids), request.user)
        if not done:
            raise ValueError("No operation of this case can be tried again: do what the mending step says.")
        return f"{done} operations are tried again; what fails again stands here again."

    @button("Assign to me", permission=MEND, icon="person_add", shown=_open)
    def assign_to_me(self, request: HttpRequest, row: Case) -> str:
        Case.objects.filter(pk=row.pk).update(owner=request.user)
        return "This case is yours."

    @button("Resolve", permission=MEND, icon="check", shown=_open)
    def resolve(self, request: HttpRequest, row: Case) -> str:
        mending.resolve_case(row, request.user)
        return "Resolved. When it is met again, it stands here again."
