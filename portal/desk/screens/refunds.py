"""Refunds: money that went back, and the goods that came back with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.desk import show
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, table, timeline, values
from portal.desk.screens.parts import operations_panel, references_panel
from portal.desk.screens.traded import OfAnOrder, Progress
from portal.records.models import Refund


@admin.register(Refund)
class RefundAdmin(OfAnOrder):
    kind = "refund"
    heavy = ("raw", "order__data", "order__raw")
    joined = ["origin", "order"]
    list_display = ["number_shown", "order_link", "progress", "refunded", "total", "restocked", "origin_link"]
    list_filter = [Progress, ("origin", ConnectionFilter), "restocked", "currency"]
    search_fields = ["number", "external_id", "order__number", "order__email", "order__customer"]
    search_help_text = "Number, order, e-mail or customer"
    date_hierarchy = "refunded_at"
    empty = "Refunds come from the shop, once a flow of refunds is started."

    @admin.display(description="when", ordering="refunded_at")
    def refunded(self, row: Refund) -> str:
        return show.moment(row.refunded_at)

    @admin.display(ordering="total_minor")
    def total(self, row: Refund) -> str:
        return show.money(row.total_minor, row.currency)

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
    rows: list[tuple[Any, ...]] = [
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
