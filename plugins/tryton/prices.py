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
    half = rounding.unit / 2
    low, high = _bases(taxes, rounding)
    middle = (max(low, net - half) + min(high, net + half)) / 2
    wanted = [net, *(amount for _, amount in taxes)]
    plain, *others = ((base / quantity).quantize(rounding.price) for base in (net, middle))
    for price in (plain, *others):
        if computed(quantity, price, [rate for rate, _ in taxes], rounding) == wanted:
            return price
    return plain


def odd_unit(
    net: Decimal, taxes: Sequence[Tax], quantity: Decimal, rounding: Rounding
) -> tuple[Decimal, Decimal] | None:
    """A unit price for exactly these taxes, and the one unit of money by which its net then misses ``net``.

    With 20 % tax there is no net price for 9.99 in all: 8.32 gives 1.66 of tax and 8.33 gives 1.67. None
    where it is not one unit, so that nothing but a rounding is ever bridged.
    """
    low, high = _bases(taxes, rounding)
    inside = min(rounding.unit / 2, (high - low) / 4)
    base = min(max(net, low + inside), high - inside)
    price = (base / quantity).quantize(rounding.price)
    said, *amounts = computed(quantity, price, [rate for rate, _ in taxes], rounding)
    if amounts == [amount for _, amount in taxes] and abs(net - said) == rounding.unit:
        return price, net - said
    return None


def _bases(taxes: Sequence[Tax], rounding: Rounding) -> tuple[Decimal, Decimal]:
    """Between which bases every tax comes out."""
    half = rounding.unit / 2
    edges = [sorted([(amount - half) / rate, (amount + half) / rate]) for rate, amount in taxes if rate]
    return max((low for low, _ in edges), default=-_ANY), min((high for _, high in edges), default=_ANY)


_ANY = Decimal(10) ** 30
