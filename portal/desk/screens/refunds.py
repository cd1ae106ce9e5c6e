"""Refunds: money that went back, and the goods that came back with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, table, timeline, values
from portal.desk.screens.orders import Progress, progress
from portal.desk.screens.parts import operations_panel, references_panel
from portal.records.models import Refund
from portal.sync.models import Operation


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    joined = ["origin", "order"]
    list_display = ["number_shown", "order_link", "progress", "refunded", "total", "restocked", "origin_link"]
    list_filter = [Progress, ("origin", ConnectionFilter), "restocked", "currency"]
    search_fields = ["number", "external_id", "order__number", "order__email", "order__customer"]
    search_help_text = "Number, order, e-mail or customer"
    date_hierarchy = "refunded_at"
    empty = "Refunds come from the shop, once a flow of refunds is started."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refund]:
        newest = Operation.objects.filter(kind="refund", record_id=OuterRef("pk")).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .defer("raw", "order__data", "order__raw")
            .annotate(
                operation_state=Subquery(newest.values("state")[:1]),
                operation_target=Subquery(newest.values("connection__name")[:1]),
            )
        )

    @admin.display(description="number", ordering="number")
    def number_shown(self, row: Refund) -> str:
        return str(row)

    @admin.display(description="order", ordering="order__number")
    def order_link(self, row: Refund) -> str:
        return show.row_link(row.order) if row.order else f"{row.order_external_id} (not here yet)"

    @admin.display(ordering="operation_state")
    def progress(self, row: Any) -> str:
        return progress(row.operation_state, row.operation_target)

    @admin.display(description="when", ordering="refunded_at")
    def refunded(self, row: Refund) -> str:
        return show.moment(row.refunded_at)

    @admin.display(ordering="total_minor")
    def total(self, row: Refund) -> str:
        return show.money(row.total_minor, row.currency)

    @admin.display(description="from", ordering="origin__name")
    def origin_link(self, row: Refund) -> str:
        return show.row_link(row.origin)

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        related = [("refund", [row.pk])]
        yield values(
            "Refund",
            [
                ("Order", self.order_link(row)),
                ("When", show.moment(row.refunded_at)),
                ("Progress", self.progress(row)),
                ("Total", self.total(row)),
                ("Order paid", show.money(row.order.paid_minor, row.order.currency) if row.order else ""),
                ("Goods back in stock", "yes" if row.restocked else "no"),
                ("Reason", row.data.get("reason")),
                ("From", show.row_link(row.origin)),
                ("Its id there", row.external_id),
            ],
        )
        yield _lines(row)
        yield references_panel(request, "refund", row.pk)
        yield operations_panel(request, related)
        yield timeline(related)
        yield raw("The refund in full", canonical_record=row.data, as_the_source_sent_it=row.raw)


def _lines(row: Any) -> Panel:
    rows = [
        (
            line["sku"],
            show.number(line["quantity"]),
            line["restock_to"] or "not restocked",
            show.amount(line["total"]),
        )
        for line in row.data.get("lines", [])
    ]
    if shipping := row.data.get("shipping"):
        rows.append((shipping.get("title") or "shipping", "", "", show.amount(shipping["total"])))
    if adjustment := row.data.get("adjustment"):
        rows.append(("adjustment", "", "", show.amount(adjustment)))
    return table("What it pays back", ["SKU", "Quantity#", "Goods to", "Total#"], rows, empty="Money only.")
