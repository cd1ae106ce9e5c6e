"""What orders, shipments and refunds have in common: they come from somewhere and go somewhere."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html

from portal.desk import show
from portal.desk.plugged import RecordAdmin
from portal.desk.searching import FindsPeople
from portal.sync.models import Operation


class Progress(admin.SimpleListFilter):
    """How far the newest operation of the record is."""

    title = "progress"
    parameter_name = "progress"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "nothing to send"), *Operation.State.choices]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "none":
            return rows.filter(operation_state=None)
        return rows.filter(operation_state=self.value()) if self.value() else rows


class TradedAdmin(RecordAdmin):
    """A screen of records, each with its newest operation; ``heavy`` is left in the database."""

    heavy: tuple[str, ...]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        newest = Operation.objects.filter(kind=self.kind, record_id=OuterRef("pk")).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .defer(*self.heavy)
            .annotate(
                operation_state=Subquery(newest.values("state")[:1]),
                operation_target=Subquery(newest.values("connection__name")[:1]),
            )
        )

    @admin.display(ordering="operation_state")
    def progress(self, row: Any) -> str:
        """The newest operation in words: ``done Tryton``."""
        if row.operation_state is None:
            return format_html('<span class="desk-muted">{}</span>', "nothing to send")
        state = Operation.State(row.operation_state)
        target = row.operation_target or ""
        return format_html(
            '{} <span class="desk-muted">{}</span>', show.pill(state.label, show.TONES[state]), target
        )

    @admin.display(description="from", ordering="origin__name")
    def origin_link(self, row: Any) -> str:
        return show.row_link(row.origin)


class OfAnOrder(FindsPeople, TradedAdmin):
    """Shipments and refunds: they may arrive before their order does."""

    people = "order__people"

    @admin.display(description="number", ordering="number")
    def number_shown(self, row: Any) -> str:
        return str(row)

    @admin.display(description="order", ordering="order__number")
    def order_link(self, row: Any) -> str:
        return show.row_link(row.order) if row.order else f"{row.order_external_id} (not here yet)"
