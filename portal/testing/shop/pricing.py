"""From what was ordered to what it costs: the one function that prices an order, new or edited."""

from decimal import Decimal
from typing import Any

from .money import ZERO, allocate, half_up, taxed, text

Json = dict[str, Any]


def price(order: Json) -> None:
    """Fill the computed amounts of an order in place, from its lines, discounts and shipping.

    Reads of each line `quantity`, `unit_price`, `tax_rate`; of each discount `percent` or `nominal`
    (an amount, which may exceed what there is to reduce); of shipping `amount`, `tax_rate`, `free`.
    Writes `discount`, `untaxed`, `tax`, `total` on lines and shipping, `amount` on discounts (what was
    really taken off) and the order's `totals`.
    """
    currency, included = order["currency"], order["tax_included"]
    lines, shipping = order["lines"], order["shipping"]
    left = [Decimal(line["unit_price"]) * line["quantity"] for line in lines]
    goods = sum(left, ZERO)
    for discount in order["discounts"]:
        wanted = Decimal(discount["nominal"] or 0)
        if discount["percent"] is not None:
            wanted = half_up(sum(left, ZERO) * Decimal(discount["percent"]) / 100, currency)
        taken = min(wanted, sum(left, ZERO))
        discount["amount"] = text(taken, currency)
        left = [have - part for have, part in zip(left, allocate(taken, left, currency), strict=True)]
    for line, remaining in zip(lines, left, strict=True):
        full = Decimal(line["unit_price"]) * line["quantity"]
        _write(line, remaining, full - remaining, currency, included)
    fee = Decimal(shipping["amount"])
    off = fee if shipping["free"] else ZERO
    _write(shipping, fee - off, off, currency, included)
    taxables = [*lines, shipping]
    sums = {
        part: sum((Decimal(item[part]) for item in taxables), ZERO) for part in ("untaxed", "tax", "total")
    }
    discounted = sum((Decimal(line["discount"]) for line in lines), ZERO)
    sums |= {"goods": goods, "discount": discounted, "shipping": fee - off}
    order["totals"] = {part: text(amount, currency) for part, amount in sums.items()}


def _write(item: Json, amount: Decimal, discount: Decimal, currency: str, included: bool) -> None:
    amounts = taxed(amount, Decimal(item["tax_rate"]), currency, included=included)
    # Real shops write a reduction of nothing as minus zero now and then; readers must cope.
    sign = "-" if item.get("minus_zero") and not discount else ""
    item["discount"] = sign + text(discount, currency)
    item["untaxed"] = text(amounts.untaxed, currency)
    item["tax"] = text(amounts.tax, currency)
    item["total"] = text(amounts.total, currency)
