"""The shop's arithmetic: exact decimals, every line rounded once, totals that add up to the last unit.

It shares no code with the portal on purpose: the two are compared in tests, so neither may borrow the
other's mistakes. Amounts travel as decimal strings with the currency's own number of digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, localcontext

EXPONENTS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
ZERO = Decimal(0)


def unit(currency: str) -> Decimal:
    """The smallest amount of a currency: 0.01 for EUR, 1 for JPY, 0.001 for KWD. KeyError if unknown."""
    return Decimal(1).scaleb(-EXPONENTS[currency])


def half_up(amount: Decimal, currency: str) -> Decimal:
    """Round to the currency's smallest unit, halves away from zero."""
    return amount.quantize(unit(currency), ROUND_HALF_UP)


def text(amount: Decimal, currency: str) -> str:
    """An amount as the API writes it: `12.50`, `1250`, `12.500`."""
    return str(half_up(amount, currency))


def allocate(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split an amount in proportion to the weights by largest remainder: the parts sum to it exactly.

    The earlier part wins a tie. No part exceeds its weight as long as the amount does not exceed
    their sum. When all weights are zero, all parts are.
    """
    whole, step = sum(weights, ZERO), unit(currency)
    if not whole:
        return [ZERO for _ in weights]
    with localcontext(prec=60):
        exact = [amount * weight / whole for weight in weights]
        parts = [share.quantize(step, ROUND_FLOOR) for share in exact]
        missing = int((amount - sum(parts, ZERO)) / step)
    by_remainder = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for i in by_remainder[:missing]:
        parts[i] += step
    return parts


@dataclass(frozen=True)
class Amounts:
    """One taxed amount: `untaxed + tax == total`, to the last unit."""

    untaxed: Decimal
    tax: Decimal
    total: Decimal


def taxed(amount: Decimal, rate: Decimal, currency: str, *, included: bool) -> Amounts:
    """Tax an amount after discount: half-up of the unrounded base times the rate (in percent)."""
    if included:
        tax = half_up(amount * rate / (100 + rate), currency)
        return Amounts(amount - tax, tax, amount)
    tax = half_up(amount * rate / 100, currency)
    return Amounts(amount, tax, amount + tax)


def part_of(
    total: Decimal, done: Decimal, done_quantity: int, quantity: int, of: int, currency: str
) -> Decimal:
    """What the next `quantity` of `of` equal pieces cost, so that all pieces together cost `total`.

    `done` was already given for `done_quantity` pieces; the last piece takes what rounding left over.
    """
    return half_up(total * (done_quantity + quantity) / of, currency) - done
