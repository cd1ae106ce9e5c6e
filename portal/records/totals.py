"""Checking an order's arithmetic: the remote's totals are the truth, ours are recomputed beside them."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext

from portal.sdk import Money, Order
from portal.sdk.money import exponent
from portal.sdk.records import OrderLine, ShippingLine

_EXACT = Context(prec=200)


def difference(order: Order) -> str:
    """A sentence that names the first amount that does not add up; empty when everything does.

    A line may be off by half of the currency's smallest unit, which is what rounding once can do.
    """
    with localcontext(_EXACT):
        return _wrong_line(order) or _wrong_total(order)


def _wrong_line(order: Order) -> str:
    half = Decimal("0.5").scaleb(-exponent(order.currency))
    for number, line in enumerate(order.lines, start=1):
        discounts = sum(discount.amount.amount for discount in line.discounts)
        exact = line.quantity * line.unit_price.amount - discounts
        if abs(line.total.amount - exact) > half:
            return (
                f"Line {number} ({line.sku}) says {line.total}, but {line.quantity:f} × {line.unit_price} "
                f"less its discounts is {Money(exact, order.currency)}."
            )
    return ""


def _wrong_total(order: Order) -> str:
    charged: tuple[OrderLine | ShippingLine, ...] = (*order.lines, *order.delivery)
    total = sum((each.total.amount for each in charged), Decimal(0))
    if not order.tax_included:
        total += sum(tax.amount.amount for each in charged for tax in each.taxes)
    if total == order.total.amount:
        return ""
    added = Money(total, order.currency)
    return f"The order says {order.total}, but its lines, shipping and taxes add up to {added}."
