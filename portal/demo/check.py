"""Asking the shop and Tryton themselves whether they tell the same story. Nothing here reads our tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from plugins.tryton.server.ledger import Ledger
from portal.demo.setup import SHOP_NAME_FOR
from portal.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a question, both answers, and whether they agree."""

    question: str
    shop: str
    tryton: str
    agrees: bool


def compare(stage: Stage) -> list[Row]:
    """Every row of the final table."""
    truth, effects = stage.ask_shop("truth"), stage.ask_shop("effects")["effects"]
    ledger = Ledger(stage.tryton)
    return [
        *_orders(truth, ledger),
        *_refunds(truth, ledger),
        *_stock(truth, ledger),
        *_shipments(truth, ledger),
        *_doubles(effects, ledger),
    ]


def _row(question: str, shop: Any, tryton: Any) -> Row:
    return Row(question, str(shop), str(tryton), shop == tryton)


def _orders(truth: Mapping[str, Any], ledger: Ledger) -> list[Row]:
    sold = {order["id"]: order for order in truth["orders"]["all"] if order["status"] != "cancelled"}
    sales = {sale.web_id: sale for sale in ledger.sales() if not sale.cancelled}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for sale in sales.values():
        sums[sale.currency] += sale.total
    wrong = [
        web_id
        for web_id in sold.keys() & sales.keys()
        if (sold[web_id]["currency"], Decimal(sold[web_id]["total"]))
        != (sales[web_id].currency, sales[web_id].total)
    ]
    return [
        _row("orders", len(sold), len(sales)),
        _row("orders missing there", 0, len(sold.keys() - sales.keys())),
        _row("sales nobody ordered", 0, len(sales.keys() - sold.keys())),
        *_sums("orders", truth["orders"]["by_currency"], sums),
        _row("orders whose total differs", 0, len(wrong)),
    ]


def _sums(what: str, shop: Mapping[str, Any], tryton: Mapping[str, Decimal]) -> list[Row]:
    here = {currency: Decimal(sums["total"]) for currency, sums in shop.items()}
    return [
        _row(f"{what}, sum in {currency}", here.get(currency, Decimal(0)), tryton.get(currency, Decimal(0)))
        for currency in sorted(here.keys() | tryton.keys())
    ]


def _refunds(truth: Mapping[str, Any], ledger: Ledger) -> list[Row]:
    given = {refund["id"]: refund for refund in truth["refunds"]["all"]}
    returns = {each.refund_id: each for each in ledger.returns()}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in returns.values():
        sums[each.currency] += each.total
    unposted = [each for each in returns.values() if not each.posted]
    back = [
        refund for refund in given.values() if any(line["restock_location_id"] for line in refund["lines"])
    ]
    received = [returns[refund["id"]].received for refund in back if refund["id"] in returns]
    return [
        _row("refunds", len(given), len(returns)),
        _row("refunds missing there", 0, len(given.keys() - returns.keys())),
        *_sums("refunds", truth["refunds"]["by_currency"], sums),
        _row("credit notes not posted", 0, len(unposted)),
        _row("returns received", len(back), sum(received)),
    ]


def _stock(truth: Mapping[str, Any], ledger: Ledger) -> list[Row]:
    shop = {
        (level["sku"], SHOP_NAME_FOR.get(level["location"], level["location"])): Decimal(level["available"])
        for level in truth["stock"]
    }
    tryton = {place: quantity for place, quantity in ledger.stock().items() if place in shop}
    pieces: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for place, quantity in shop.items():
        pieces[place[1]][0] += quantity
        pieces[place[1]][1] += tryton.get(place, Decimal(0))
    differing = [place for place in shop if shop[place] != tryton.get(place)]
    return [
        _row("places with stock (SKU, location)", len(shop), len(tryton)),
        *(
            _row(f"pieces available in {code}", *(_plain(figure) for figure in both))
            for code, both in sorted(pieces.items())
        ),
        _row("places whose stock differs", 0, len(differing)),
    ]


def _shipments(truth: Mapping[str, Any], ledger: Ledger) -> list[Row]:
    left = ledger.shipments()
    pieces_there = sum((quantity for each in left for quantity in each.quantities.values()), Decimal(0))
    pieces_here = sum(
        (Decimal(line["quantity"]) for each in truth["shipments"] for line in each["lines"]), Decimal(0)
    )
    tracked_there = Counter((each.web_id, each.tracking, each.carrier) for each in left)
    tracked_here = Counter(
        (each["order_id"], each["tracking_number"], each["carrier"]) for each in truth["shipments"]
    )
    differing = (tracked_there - tracked_here) + (tracked_here - tracked_there)
    return [
        _row("parcels", len(truth["shipments"]), len(left)),
        _row("pieces shipped", _plain(pieces_here), _plain(pieces_there)),
        _row("parcels whose order, carrier or tracking differs", 0, differing.total()),
    ]


def _doubles(effects: list[Mapping[str, Any]], ledger: Ledger) -> list[Row]:
    keys = Counter(effect["key"] for effect in effects if effect["kind"].startswith("shipment"))
    twice = sum(1 for count in keys.values() if count > 1)
    return [_row("done twice", twice, len(ledger.doubled()))]


def _plain(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"


def as_table(rows: list[Row]) -> str:
    """The rows as text, the ones that disagree marked."""
    head = Row("", "shop", "Tryton", agrees=True)
    width = max(len(row.question) for row in rows)
    shop = max(len(row.shop) for row in (head, *rows))
    tryton = max(len(row.tryton) for row in (head, *rows))
    lines = [f"{'':{width}}  {head.shop:>{shop}}  {head.tryton:>{tryton}}"]
    for row in rows:
        mark = "✓" if row.agrees else "✗ differs"
        lines.append(f"{row.question:{width}}  {row.shop:>{shop}}  {row.tryton:>{tryton}}  {mark}")
    return "\n".join(lines)
