"""Amounts and quantities: what the remote says, to the last digit."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from portal.sdk.connector import Connector
from portal.sdk.money import Money, exponent
from portal.sdk.records import Record
from portal.testing.bench import Bench, founds, records
from portal.testing.registry import Broken, check, pulled
from portal.testing.victim import Victim, facts, nodes, replace_leaves, spelled

FIGURES = {"order": "total", "refund": "total", "product": "price", "stock": "available"}
# In a float the first is another cent, and the rest come out wrong when multiplied by a hundred and cut.
TELLING = (9_876_543_210_987_649, 1_999, 113, 29)


def _priced(connector: type[Connector]) -> Iterable[str]:
    return [kind for kind in pulled(connector) if kind in ("order", "refund", "product")]


def _figured(connector: type[Connector]) -> Iterable[str]:
    return [kind for kind in pulled(connector) if kind in FIGURES]


@check("Totals, prices and levels are exactly those that people see at the remote (`expect`).", over=_figured)
def figures_are_exact(bench: Bench, kind: str) -> None:
    expected = bench.expected(kind)
    for record in records(bench.pages(kind)):
        wanted, got = expected.get(record.external_id), _figure(record)
        if not wanted or got is None:
            continue
        right = Money.parse(wanted) if isinstance(got, Money) else Decimal(wanted)
        if got != right:
            raise Broken(
                f"{kind} {record.external_id} has {FIGURES[kind]} {got}, but expect says {right}. Look at the unit "
                "(minor units have as many digits as the currency), and at what the remote means by the field."
            )
    if not any(expected.values()):
        raise Broken(
            f"expect gives no {FIGURES[kind]} for any {kind}. Write it as people see it there: "
            f'expect = {{{kind!r}: {{"id": "119.00 EUR"}}}}.'
        )


@check("An amount keeps every digit: no float touches it on its way.", over=_priced)
def amounts_keep_every_digit(bench: Bench, kind: str) -> None:
    for found in founds(bench.pages(kind)):
        for path, leaf in nodes(found.raw):
            if isinstance(leaf, float):
                raise Broken(
                    f"The raw of {kind} {found.record.external_id} holds the float {leaf!r} at “{spelled(path)}”. Read "
                    "answers with answer.json(), which keeps numbers exact."
                )
    victim = Victim(bench, kind)
    before = _figure(victim.own[0])
    if not isinstance(before, Money) or not before:
        return
    for minor in TELLING:
        amount = Money.from_minor(min(minor, 10 ** (14 + exponent(before.currency)) - 1), before.currency)
        again = victim.again(victim.read(partial(replace_leaves, change=_swap(before, amount))))
        if again and _figure(again[0]) not in (amount, before):
            raise Broken(
                f"{kind} {again[0].external_id} is read as {_figure(again[0])} when the remote says {amount}. Make Money "
                "from text or Decimal (Money.from_minor for minor units); a float is not exact."
            )


@check(
    "Currencies without cents, or with three digits, are among the examples and come out right.", over=_priced
)
def currencies_have_their_own_cents(bench: Bench, kind: str) -> None:
    currencies = {
        value.currency
        for record in records(bench.pages(kind))
        for _, value in facts(record)
        if isinstance(value, Money)
    }
    if currencies and all(exponent(currency) == 2 for currency in currencies):
        raise Broken(
            f"All examples of {kind} are in {', '.join(sorted(currencies))}, where a hundred cents make one. Add one in "
            "JPY or KWD, or waive this check if the remote has no such currency."
        )


def _figure(record: Record) -> Any:
    return getattr(record, FIGURES[record.kind], None)


def _swap(before: Money, new: Money) -> Any:
    """Put the new amount where the old one stands, in the way it is written there."""

    def swap(leaf: Any) -> Any:
        if isinstance(leaf, bool) or not isinstance(leaf, (int, Decimal, str)):
            return leaf
        try:
            value = Decimal(leaf)
        except ArithmeticError:
            return leaf
        if value == before.amount and (isinstance(leaf, (str, Decimal)) or exponent(before.currency) == 0):
            return str(new.amount) if isinstance(leaf, str) else new.amount
        if value == before.minor:
            return str(new.minor) if isinstance(leaf, str) else new.minor
        return leaf

    return swap
