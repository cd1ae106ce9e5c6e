"""Products and locations: what we sell, and where it lies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.desk import show
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, table, values
from portal.desk.plugged import RecordAdmin
from portal.desk.screens.parts import references_panel
from portal.records.models import Location, Order, OrderLine, Product, StockLevel

MOST = 20


@admin.register(Product)
class ProductAdmin(RecordAdmin):
    kind = "product"
    joined = ["origin"]
    list_display = ["sku", "title", "active", "origin_link", "changed"]
    list_filter = ["active", ("origin", ConnectionFilter)]
    search_fields = ["sku", "title", "external_id"]
    search_help_text = "SKU, title or id"
    empty = "Products are read from the system that keeps the stock, once a flow of stock is started."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Product]:
        return super().get_queryset(request).defer("raw")

    @admin.display(description="from", ordering="origin__name")
    def origin_link(self, row: Product) -> str:
        return show.row_link(row.origin)

    @admin.display(ordering="changed_at")
    def changed(self, row: Product) -> str:
        return show.ago(row.changed_at)

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        price = row.data.get("price")
        yield values(
            "Product",
            [
                ("SKU", row.sku),
                ("Title", row.title),
                ("Price", show.amount(price) if price else ""),
                ("Sold", "yes" if row.active else "no longer"),
                ("From", show.row_link(row.origin)),
                ("Last changed", show.ago(row.changed_at)),
            ],
        )
        yield references_panel(request, "product", row.pk)
        yield _levels(row.stock_levels.select_related("location", "connection"))
        yield _orders(row)
        yield raw("The product in full", canonical_record=row.data, as_the_source_sent_it=row.raw)


@admin.register(Location)
class LocationAdmin(RecordAdmin):
    kind = "location"
    joined = ["origin"]
    list_display = ["code", "name", "origin_link", "changed"]
    list_filter = [("origin", ConnectionFilter)]
    search_fields = ["code", "name", "external_id"]
    empty = "Locations are read from the system that keeps the stock, once a flow of stock is started."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Location]:
        return super().get_queryset(request).defer("raw")

    @admin.display(description="from", ordering="origin__name")
    def origin_link(self, row: Location) -> str:
        return show.row_link(row.origin)

    @admin.display(ordering="changed_at")
    def changed(self, row: Location) -> str:
        return show.ago(row.changed_at)

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        yield values(
            "Location", [("Code", row.code), ("Name", row.name), ("From", show.row_link(row.origin))]
        )
        yield references_panel(request, "location", row.pk)
        yield values(
            "What is here",
            [
                ("Stock", show.link(show.listing(StockLevel, location__id__exact=row.pk), "all levels")),
                ("Orders", show.link(show.listing(Order, location__id__exact=row.pk), "all orders")),
            ],
        )
        yield raw("The location in full", canonical_record=row.data, as_the_source_sent_it=row.raw)


def _levels(levels: QuerySet[StockLevel]) -> Panel:
    return table(
        "Stock",
        ["Location", "Connection", "Available#", "Figure since"],
        [
            (
                show.row_link(level.location),
                show.row_link(level.connection),
                show.number(level.available),
                show.ago(level.observed_at),
            )
            for level in levels
        ],
        empty="No connection has told a figure for it yet.",
    )


def _orders(product: Product) -> Panel:
    lines = OrderLine.objects.filter(product=product).select_related("order").order_by("-order__placed_at")
    return table(
        "Latest orders",
        ["Order", "Placed", "Quantity#"],
        [
            (show.row_link(line.order), show.moment(line.order.placed_at), show.number(line.quantity))
            for line in lines.defer("order__data", "order__raw")[:MOST]
        ],
        empty="Nobody has ordered it since the portal looks.",
    )
