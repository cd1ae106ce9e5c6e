"""Orders: where is order 1042?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from portal.connections.models import Reference
from portal.desk import show
from portal.desk.filters import ConnectionFilter, LocationFilter
from portal.desk.panels import Panel, raw, table, timeline, values
from portal.desk.screens.parts import operations_panel, references_panel
from portal.desk.screens.traded import Progress, TradedAdmin
from portal.desk.searching import FindsPeople
from portal.records.models import Order, Refund, Shipment


@admin.register(Order)
class OrderAdmin(FindsPeople, TradedAdmin):
    kind = "order"
    heavy = ("data", "raw", "location__data", "location__raw")
    joined = ["origin", "location"]
    list_display = [
        "number",
        "status",
        "progress",
        "placed",
        "customer",
        "total",
        "origin_link",
        "location_link",
    ]
    list_filter = [
        "state",
        Progress,
        ("origin", ConnectionFilter),
        ("location", LocationFilter),
        "currency",
    ]
    search_fields = ["number", "external_id", "email", "customer", "lines__sku"]
    search_help_text = "Number, e-mail, customer, SKU, or its id in any connection"
    date_hierarchy = "placed_at"
    empty = "Orders come in by themselves once a flow of orders is started. See Flows."

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        found, doubled = super().get_search_results(request, queryset, search_term)
        if term := search_term.strip():
            elsewhere = Reference.objects.filter(Q(external_id=term) | Q(label=term), kind="order")
            found |= queryset.filter(pk__in=elsewhere.exclude(record_id=None).values("record_id"))
        return found, doubled

    # -- the list --

    @admin.display(description="state", ordering="state")
    def status(self, row: Order) -> str:
        return show.state(row)

    @admin.display(ordering="placed_at")
    def placed(self, row: Order) -> str:
        return show.moment(row.placed_at)

    @admin.display(ordering="total_minor")
    def total(self, row: Order) -> str:
        return show.money(row.total_minor, row.currency)

    @admin.display(description="location", ordering="location__code")
    def location_link(self, row: Order) -> str:
        return show.row_link(row.location)

    # -- the page --

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        refunds = list(row.refunds.defer("raw"))
        shipments = list(row.shipments.defer("raw"))
        related = [
            ("order", [row.pk]),
            ("refund", [refund.pk for refund in refunds]),
            ("shipment", [shipment.pk for shipment in shipments]),
        ]
        yield _summary(row, self.progress(row))
        yield _lines(row)
        yield _addresses(row.data)
        yield references_panel(request, "order", row.pk)
        yield _shipments(shipments)
        yield _refunds(refunds)
        yield operations_panel(request, related)
        yield timeline(related)
        yield raw("The order in full", canonical_record=row.data, as_the_source_sent_it=row.raw)


def _summary(row: Any, progress: str) -> Panel:
    return values(
        "Order",
        [
            ("State", show.state(row)),
            ("Progress", progress),
            ("Placed", show.moment(row.placed_at)),
            ("Customer", row.customer),
            ("E-mail", row.email),
            ("Total", show.money(row.total_minor, row.currency)),
            ("Paid", show.money(row.paid_minor, row.currency)),
            ("From", show.row_link(row.origin)),
            ("Its id there", row.external_id),
            ("Leaves from", show.row_link(row.location)),
            ("Last changed", show.ago(row.changed_at)),
            ("Note", row.data.get("note", "")),
        ],
        wide=True,
    )


def _lines(row: Any) -> Panel:
    """The lines as rows, with prices, discounts and taxes from the whole record."""
    full = row.data.get("lines", [])
    rows: list[tuple[Any, ...]] = []
    for line in row.lines.select_related("product").defer("product__data", "product__raw"):
        more = full[line.position] if line.position < len(full) else {}
        rows.append(
            (
                show.row_link(line.product, line.sku) if line.product else line.sku,
                line.title,
                show.number(line.quantity),
                show.amount(more.get("unit_price", show.NOTHING)),
                _sum(discount["amount"] for discount in more.get("discounts", [])),
                _sum(tax["amount"] for tax in more.get("taxes", [])),
                show.money(line.total_minor, row.currency),
            )
        )
    for delivery in row.data.get("delivery", []):
        tax = _sum(tax["amount"] for tax in delivery.get("taxes", []))
        title = delivery.get("title") or "shipping"
        rows.append(
            (format_html("<i>{}</i>", "delivery"), title, "", "", "", tax, show.amount(delivery["total"]))
        )
    rows.append(
        (
            "",
            format_html("<b>{}</b>", "Total, tax included"),
            "",
            "",
            "",
            "",
            show.money(row.total_minor, row.currency),
        )
    )
    mode = "prices include tax" if row.data.get("tax_included") else "prices without tax"
    heads = ["SKU", "Title", "Quantity#", "Price#", "Discount#", "Tax#", "Total#"]
    return table(f"Lines, {mode}", heads, rows, empty="This order has no lines.", wide=True)


def _sum(amounts: Any) -> str:
    return show.lines(show.amount(text) for text in amounts)


def _addresses(data: dict[str, Any]) -> Panel:
    return values(
        "Addresses",
        [
            ("Delivered to", _address(data.get("shipping", {}))),
            ("Billed to", _address(data.get("billing", {}))),
        ],
    )


def _address(address: dict[str, str]) -> str:
    place = " ".join(part for part in (address.get("postcode"), address.get("city")) if part)
    names = ("name", "company", "street", "street2")
    last = ("region", "country", "phone")
    return show.lines([*(address.get(name) for name in names), place, *(address.get(name) for name in last)])


def _shipments(shipments: list[Shipment]) -> Panel:
    return table(
        "Shipments",
        ["Shipment", "Shipped", "Carrier", "Tracking"],
        [
            (show.row_link(each), show.moment(each.shipped_at), each.carrier, tracking(each))
            for each in shipments
        ],
        empty="Nothing of it was shipped yet.",
    )


def tracking(shipment: Shipment) -> str:
    to = shipment.data.get("tracking_url", "")
    if to.startswith(("https://", "http://")):
        return show.link(to, shipment.tracking or "follow it")
    return shipment.tracking or show.NOTHING


def _refunds(refunds: list[Refund]) -> Panel:
    return table(
        "Refunds",
        ["Refund", "When", "Goods back", "Total#"],
        [
            (
                show.row_link(each),
                show.moment(each.refunded_at),
                "yes" if each.restocked else "no",
                show.money(each.total_minor, each.currency),
            )
            for each in refunds
        ],
        empty="Nothing was paid back.",
    )
