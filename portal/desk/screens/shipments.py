"""Shipments: what left for which order, and whether the shop knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from portal.desk import show
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, table, timeline, values
from portal.desk.screens.orders import tracking
from portal.desk.screens.parts import operations_panel, references_panel
from portal.desk.screens.traded import OfAnOrder, Progress
from portal.records.models import Shipment


@admin.register(Shipment)
class ShipmentAdmin(OfAnOrder):
    kind = "shipment"
    heavy = ("raw", "order__data", "order__raw")
    joined = ["origin", "order"]
    list_display = [
        "number_shown",
        "order_link",
        "progress",
        "shipped",
        "carrier",
        "tracking_shown",
        "origin_link",
    ]
    list_filter = [Progress, ("origin", ConnectionFilter), "carrier"]
    search_fields = ["number", "external_id", "tracking", "order__number", "order__email", "order__customer"]
    search_help_text = "Number, tracking number, order, e-mail or customer"
    date_hierarchy = "shipped_at"
    empty = "Shipments come from the system that ships, once a flow of shipments is started."

    @admin.display(ordering="shipped_at")
    def shipped(self, row: Shipment) -> str:
        return show.moment(row.shipped_at)

    @admin.display(description="tracking", ordering="tracking")
    def tracking_shown(self, row: Shipment) -> str:
        return tracking(row)

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        related = [("shipment", [row.pk])]
        yield values(
            "Shipment",
            [
                ("Order", self.order_link(row)),
                ("Shipped", show.moment(row.shipped_at)),
                ("Progress", self.progress(row)),
                ("Carrier", row.carrier),
                ("Tracking", tracking(row)),
                ("From", show.row_link(row.origin)),
                ("Its id there", row.external_id),
            ],
        )
        yield table(
            "What is in it",
            ["SKU", "Quantity#"],
            [(line["sku"], show.number(line["quantity"])) for line in row.data.get("lines", [])],
            empty="It names no goods.",
        )
        yield references_panel(request, "shipment", row.pk)
        yield operations_panel(request, related)
        yield timeline(related)
        yield raw("The shipment in full", canonical_record=row.data, as_the_source_sent_it=row.raw)
