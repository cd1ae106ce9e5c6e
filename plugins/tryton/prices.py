"""Net unit prices that make Tryton compute the shop's own figures, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal


@dataclass(frozen=True, slots=True)
class Rounding:
    """``unit`` is the currency's smallest amount, ``price`` the finest step of Tryton's unit prices."""

    unit: Decimal
    price: Decimal

    def amount(self, exact: Decimal) -> Decimal:
        """As Tryton rounds an amount: halves to even."""
        return (exact / self.unit).quantize(Decimal(1), rounding=ROUND_HALF_EVEN) * self.unit


Tax = tuple[Decimal, Decimal]
"""A rate as a fraction (0.19) and the shop's amount."""


def computed(
    quantity: Decimal, price: Decimal, rates: Sequence[Decimal], rounding: Rounding
) -> list[Decimal]:
    """The net amount and the tax per rate as Tryton computes them, with taxes rounded by line."""
    base = quantity * price
    return [rounding.amount(base), *(rounding.amount(base * rate) for rate in rates)]


def unit_price(net: Decimal, taxes: Sequence[Tax], quantity: Decimal, rounding: Rounding) -> Decimal:
    """A unit price that Tryton turns into exactly ``net`` and the amounts of ``taxes``.

    Tryton takes the tax of the *unrounded* base. So where the rounded net does not give the shop's tax, any
    base that rounds to the same net may; they form an interval, and its middle is taken. Where none does,
    the plain price is returned and the comparison of the totals will tell.
    """
    rates = [rate for rate, _ in taxes]
    wanted = [net, *(amount for _, amount in taxes)]
    half = rounding.unit / 2
    lows, highs = [net - half], [net + half]
    for rate, amount in taxes:
        if rate:
            edges = sorted([(amount - half) / rate, (amount + half) / rate])
            lows.append(edges[0])
            highs.append(edges[1])
    middle = (max(lows) + min(highs)) / 2
    prices = [(base / quantity).quantize(rounding.price) for base in (net, middle)]
    for price in prices:
        if computed(quantity, price, rates, rounding) == wanted:
            return price
    return prices[0]
