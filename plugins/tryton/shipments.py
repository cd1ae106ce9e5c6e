"""Shipments that left, from Tryton's words into records: one record a shipment and order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from functools import partial
from typing import Any

from portal.sdk import Page, Shipment, ShipmentLine, version_of

from .client import Client, Json
from .directory import Directory
from .walk import Walk, moment, pages

FIELDS = (
    "number",
    "state",
    "effective_date",
    "last_modified_at",
    "shipping_reference",
    "carrier.party.name",
    "root_packages.shipping_reference",
    "root_packages.shipping_tracking_url",
    "outgoing_moves.quantity",
    "outgoing_moves.state",
    "outgoing_moves.origin",
    "outgoing_moves.product.code",
    "outgoing_moves.last_modified_at",
)


def shipment(raw: Mapping[str, Any]) -> Shipment:
    lines = tuple(_line(move) for move in raw["outgoing_moves"])
    packages = raw.get("root_packages") or []
    tracking = [raw["shipping_reference"], *(package["shipping_reference"] for package in packages)]
    urls = [package["shipping_tracking_url"] for package in packages]
    changed = moment(raw["last_modified_at"])
    return Shipment(
        external_id=f"{raw['id']:d}:{raw['order']}",
        version=version_of(changed),
        order_id=raw["order"],
        number=raw["number"] or "",
        carrier=((raw["carrier"] or {}).get("party") or {}).get("name") or "",
        tracking=", ".join(dict.fromkeys(filter(None, tracking))),
        tracking_url=next(filter(None, urls), ""),
        shipped_at=_shipped_at(raw, changed),
        lines=lines,
    )


def _line(move: Json) -> ShipmentLine:
    return ShipmentLine(
        sku=move["product"]["code"] or "",
        quantity=Decimal(str(move["quantity"])),
        order_line=move["origin"].partition(",")[2],
    )


def _shipped_at(raw: Mapping[str, Any], changed: datetime) -> datetime:
    """The moves' moment if it falls on the shipment's date, which alone a person may have set to another day."""
    done = max((moment(move["last_modified_at"]) for move in raw["outgoing_moves"]), default=changed)
    day = raw["effective_date"]
    if day and day != done.date().isoformat():
        return datetime.combine(datetime.fromisoformat(day), time(12), UTC)
    return done


def pull_shipment(client: Client, directory: Directory, cursor: str | None) -> Iterator[Page[Shipment]]:
    """Shipments on their way or delivered, of this web shop's orders."""
    walk = Walk.begin(cursor, client)
    domain = [["state", "in", ["shipped", "done"]], *walk.changed("last_modified_at")]
    prepare = partial(_by_order, client, directory.web_shop)
    yield from pages(client, walk, "stock.shipment.out", domain, FIELDS, shipment, prepare=prepare)


def _by_order(client: Client, web_shop: int, raws: list[Json]) -> list[Json]:
    """Each shipment once for every order of the web shop it carries goods of."""
    moves = [move for raw in raws for move in raw.get("outgoing_moves") or []]
    lines = sorted({line for move in moves if "origin" in move and (line := _sale_line(move))})
    domain = [["id", "in", lines], ["sale.web_shop", "=", web_shop]]
    found = client.search("sale.line", domain, ["sale.web_id"]) if lines else []
    orders = {raw["id"]: raw["sale"]["web_id"] for raw in found}
    parts: list[Json] = []
    for raw in raws:
        try:
            parts += _parts(raw, orders)
        except (LookupError, TypeError, ArithmeticError):
            parts.append(raw)  # reading it says what is wrong with it
    return parts


def _parts(raw: Json, orders: Mapping[int, str]) -> Iterator[Json]:
    moves = raw["outgoing_moves"]
    for order in dict.fromkeys(orders[line] for move in moves if (line := _sale_line(move)) in orders):
        own = [
            move
            for move in moves
            if move["state"] != "cancelled"
            and Decimal(str(move["quantity"]))
            and orders.get(_sale_line(move)) == order
        ]
        if own:
            yield raw | {"order": order, "outgoing_moves": own}


def _sale_line(move: Json) -> int:
    """The id of the sale's line a move comes from, 0 for another origin."""
    model, _, number = (move["origin"] or "").partition(",")
    return int(number) if model == "sale.line" else 0
