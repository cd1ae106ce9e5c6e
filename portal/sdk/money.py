"""An amount and its currency, exact: ``Money("12.50", "EUR")``.

The smallest unit of a currency (its exponent) comes from ISO 4217. An amount may be finer than that
while it is a *unit price*; ``minor`` refuses it then, so nothing is ever rounded by accident.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

# ISO 4217, list one: every currency whose exponent is not two.
_EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}

LARGEST = Decimal(10) ** 14
"""Amounts below this fit the ledger in every currency; more is a mistake of the source's."""

_EXACT = Context(prec=200)


def exponent(currency: str) -> int:
    """Digits after the decimal point of the currency's smallest unit: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


@lru_cache(maxsize=1000)
def _is_code(currency: str) -> bool:
    return len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()


@lru_cache(maxsize=1000)
def _smallest(currency: str) -> Decimal:
    """0.01 for EUR."""
    return Decimal(1).scaleb(-exponent(currency))


class Money:
    """An immutable amount in one currency.

    ``amount`` is a finite ``Decimal`` and ``currency`` an ISO 4217 code of three capital letters.
    Raises ``ValueError`` for anything else, also for a ``float``, whose cents nobody can vouch for.
    Adding two currencies raises ``ValueError``. As JSON it is the text ``"12.50 EUR"``.
    """

    __slots__ = ("amount", "currency")
    amount: Decimal
    currency: str

    def __init__(self, amount: Decimal | int | str, currency: str) -> None:
        if isinstance(amount, float):
            raise ValueError(f"Give the amount {amount!r} as text or Decimal: a float is not exact.")  # noqa: TRY004 - one kind of error for all bad amounts
        try:
            value = Decimal(amount)
        except (InvalidOperation, TypeError, ValueError) as error:
            raise ValueError(f"{amount!r} is not an amount of money.") from error
        if not value.is_finite():
            raise ValueError(f"{amount!r} is not an amount of money.")
        if not _is_code(currency):
            raise ValueError(f"{currency!r} is not a currency code like EUR.")
        object.__setattr__(self, "amount", value or value.copy_abs())  # turns -0 into 0, and rounds nothing
        object.__setattr__(self, "currency", currency)

    @classmethod
    def from_minor(cls, minor: int, currency: str) -> Money:
        """``Money.from_minor(1250, "EUR")`` is 12.50 EUR."""
        return cls(Decimal(minor).scaleb(-exponent(currency)), currency)

    @classmethod
    def parse(cls, text: str) -> Money:
        """``Money.parse("12.50 EUR")``. Raises ``ValueError`` when the text is not like that."""
        amount, _, currency = text.strip().partition(" ")
        return cls(amount, currency.strip())

    @property
    def minor(self) -> int:
        """The amount in the currency's smallest unit. Raises ``ValueError`` when it is finer than that."""
        scaled = self.amount.scaleb(exponent(self.currency), _EXACT)
        minor = int(scaled)
        if minor != scaled:
            raise ValueError(f"{self} has fractions of the smallest unit of {self.currency}.")
        return minor

    def rounded(self) -> Money:
        """The nearest amount payable in the currency, halves away from zero."""
        return Money(self._rounded(), self.currency)

    def _rounded(self) -> Decimal:
        return self.amount.quantize(_smallest(self.currency), ROUND_HALF_UP, _EXACT)

    def split(self, weights: list[Decimal] | list[int]) -> list[Money]:
        """Shares by weight that add up to the cent (largest remainder, earlier shares first on a tie).

        Weights of zero altogether share evenly. Raises ``ValueError`` for negative weights or none.
        """
        if not weights or any(weight < 0 for weight in weights):
            raise ValueError("Sharing an amount needs weights of zero or more.")
        weighted = [Fraction(weight) for weight in weights]
        whole = sum(weighted)
        if not whole:
            weighted, whole = [Fraction(1)] * len(weighted), Fraction(len(weighted))
        minor, sign = abs(self.minor), -1 if self.amount < 0 else 1
        exact = [minor * weight / whole for weight in weighted]
        shares = [int(share) for share in exact]
        by_remainder = sorted(range(len(exact)), key=lambda i: shares[i] - exact[i])
        for i in by_remainder[: minor - sum(shares)]:
            shares[i] += 1
        return [Money.from_minor(sign * share, self.currency) for share in shares]

    def _same(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise ValueError(f"{self} and {other} are in different currencies.")
        return other.amount

    def __add__(self, other: Money) -> Money:
        return Money(_EXACT.add(self.amount, self._same(other)), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(_EXACT.subtract(self.amount, self._same(other)), self.currency)

    def __mul__(self, factor: Decimal | int) -> Money:
        return Money(_EXACT.multiply(self.amount, factor), self.currency)

    def __neg__(self) -> Money:
        return Money(self.amount.copy_negate(), self.currency)

    def __abs__(self) -> Money:
        return Money(self.amount.copy_abs(), self.currency)

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._same(other)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and (self.amount, self.currency) == (other.amount, other.currency)

    def __hash__(self) -> int:
        return hash((self.amount, self.currency))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Money does not change; make a new one.")

    def __reduce__(self) -> tuple[type[Money], tuple[Decimal, str]]:
        return Money, (self.amount, self.currency)

    def __str__(self) -> str:
        payable = self._rounded()
        shown = payable if payable == self.amount else self.amount
        return f"{shown:f} {self.currency}"

    def __repr__(self) -> str:
        return f"Money({str(self.amount)!r}, {self.currency!r})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _fitting, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )


def _fitting(given: Any) -> Money:
    """In a record an amount has to fit the ledger."""
    money = Money.parse(given) if isinstance(given, str) else given
    if not isinstance(money, Money):
        raise ValueError(f"{str(given)[:40]!r} is not an amount of money like 12.50 EUR")  # noqa: TRY004 - as above
    if abs(money.amount) >= LARGEST:
        raise ValueError(f"{money.amount:.3E} {money.currency} is more than any amount of money")
    return money
