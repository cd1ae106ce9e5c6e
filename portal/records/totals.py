"""Checking an order's arithmetic: the remote's totals are the truth, ours are recomputed beside them."""

from __future__ import annotations

from decimal import Decimal

from portal.sdk import Money, Order
from portal.sdk.money import exponent


def difference(order: Order) -> str:
    """A sentence that names the first amount that does not add up; empty when everything does.

    A line may be off by half of the currency's smallest unit, which is what rounding once can do.
    """
    half = Decimal("0.5").scaleb(-exponent(order.currency))
    total = Money(0, order.currency)
    for number, line in enumerate(order.lines, start=1):
        exact = line.unit_price * line.quantity
        for discount in line.discounts:
            exact -= discount.amount
        if abs((line.total - exact).amount) > half:
            return (
                f"Line {number} ({line.sku}) says {line.total}, but {line.quantity:f} × {line.unit_price} "
                f"less its discounts is {exact}."
            )
        total += line.total
        if not order.tax_included:
            total = sum((tax.amount for tax in line.taxes), total)
    for delivery in order.delivery:
        total += delivery.total
        if not order.tax_included:
            total = sum((tax.amount for tax in delivery.taxes), total)
    if total != order.total:
        return f"The order says {order.total}, but its lines, shipping and taxes add up to {total}."
    return ""
