"""Stock levels: what each connection shows of each product at each location."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import Max, QuerySet
from django.http import HttpRequest

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.filters import ConnectionFilter, LocationFilter
from portal.desk.panels import Panel, table, timeline, values
from portal.desk.plugged import Plugged
from portal.desk.screens.parts import operations_panel
from portal.records.models import StockLevel
from portal.records.subjects import level_of
from portal.sdk import Subject


class Doubted(admin.SimpleListFilter):
    title = "doubt"
    parameter_name = "doubted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "doubted"), ("no", "believed")]

    def queryset(self, request: HttpRequest, rows: QuerySet[StockLevel]) -> QuerySet[StockLevel]:
        if self.value() is None:
            return rows
        return rows.filter(doubted_since__isnull=self.value() == "no")


@admin.register(StockLevel)
class StockLevelAdmin(Plugged, ReadOnlyAdmin):
    kind = "stock"
    joined = ["connection", "product", "location"]
    list_display = ["sku", "location_link", "connection_link", "figure", "doubt", "seen"]
    list_filter = [
        ("connection", ConnectionFilter),
        ("location", LocationFilter),
        Doubted,
    ]
    search_fields = ["product__sku", "product__title"]
    search_help_text = "SKU or title"
    empty = "Stock is read once a flow of stock is started."

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockLevel]:
        heavy = ("product__data", "product__raw", "location__data", "location__raw")
        return super().get_queryset(request).defer(*heavy)

    def subject(self, row: StockLevel) -> Subject:
        return level_of(row)

    def connection(self, row: StockLevel) -> Connection:
        return row.connection

    @admin.display(description="SKU", ordering="product__sku")
    def sku(self, row: StockLevel) -> str:
        return row.product.sku

    @admin.display(description="location", ordering="location__code")
    def location_link(self, row: StockLevel) -> str:
        return show.row_link(row.location)

    @admin.display(description="shown by", ordering="connection__name")
    def connection_link(self, row: StockLevel) -> str:
        return show.row_link(row.connection)

    @admin.display(description="available", ordering="available")
    def figure(self, row: StockLevel) -> str:
        return show.number(row.available)

    @admin.display(description="doubted", ordering="doubted_since")
    def doubt(self, row: StockLevel) -> str:
        return (
            show.pill(f"for {show.span_since(row.doubted_since)}", "warn")
            if row.doubted_since
            else show.NOTHING
        )

    @admin.display(description="figure since", ordering="observed_at")
    def seen(self, row: StockLevel) -> str:
        return show.ago(row.observed_at)

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        yield values(
            "Stock level",
            [
                ("Product", show.row_link(row.product)),
                ("Location", show.row_link(row.location)),
                ("Shown by", show.row_link(row.connection)),
                ("Available", show.number(row.available)),
                ("Figure since", show.ago(row.observed_at)),
                ("Last whole round began", show.ago(_last_round(row.connection))),
                ("Doubted", show.ago(row.doubted_since, "no")),
            ],
        )
        others = StockLevel.objects.filter(product=row.product, location=row.location).select_related(
            "connection"
        )
        yield table(
            "The same place elsewhere",
            ["Connection", "Available#", "Figure since"],
            [
                (show.row_link(level.connection), show.number(level.available), show.ago(level.observed_at))
                for level in others
            ],
            empty="Only this connection shows it.",
        )
        related = [("stock", [row.pk])]
        yield operations_panel(request, related)
        yield timeline(related)


def _last_round(connection: Connection) -> datetime | None:
    """A level that stays as it is, is not written at each reading; when all were read is known of the jobs."""
    rounds = connection.jobs.filter(name__in=["pull:stock", "check:stock"], enabled=True)
    began: datetime | None = rounds.aggregate(newest=Max("last_began_at"))["newest"]
    return began
