from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.testing.shop.money import EXPONENTS, allocate, part_of, taxed, unit
from portal.testing.shop.pricing import price

currencies = st.sampled_from(sorted(EXPONENTS))
rates = st.sampled_from(["19", "7", "0"])
minor = st.integers(0, 10**9)


@st.composite
def orders(draw):
    currency = draw(currencies)
    step = unit(currency)
    line = st.builds(
        lambda price, quantity, rate: {"unit_price": str(price * step), "quantity": quantity, "tax_rate": rate},
        minor, st.integers(1, 250), rates,
    )  # fmt: skip
    percent = st.builds(
        lambda p: {"code": "P", "percent": str(Decimal(p) / 100), "nominal": None}, st.integers(0, 10_000)
    )
    nominal = st.builds(lambda n: {"code": "N", "percent": None, "nominal": str(n * step)}, minor)
    return {
        "currency": currency,
        "tax_included": draw(st.booleans()),
        "lines": draw(st.lists(line, min_size=1, max_size=12)),
        "discounts": draw(st.lists(percent | nominal, max_size=3)),
        "shipping": {"amount": str(draw(minor) * step), "tax_rate": draw(rates), "free": draw(st.booleans())},
    }


@settings(deadline=None)  # another process may have the machine for a moment
@given(orders())
def test_every_priced_order_adds_up_to_the_last_unit(order):
    price(order)
    items, totals = [*order["lines"], order["shipping"]], order["totals"]
    for item in items:
        assert Decimal(item["untaxed"]) + Decimal(item["tax"]) == Decimal(item["total"])
        assert Decimal(item["total"]) >= 0
    for part in ("untaxed", "tax", "total"):
        assert sum(Decimal(item[part]) for item in items) == Decimal(totals[part])
    mode = "total" if order["tax_included"] else "untaxed"
    for line in order["lines"]:
        gross = Decimal(line["unit_price"]) * line["quantity"]
        assert Decimal(line[mode]) == gross - Decimal(line["discount"])
    taken = sum(Decimal(discount["amount"]) for discount in order["discounts"])
    assert taken == Decimal(totals["discount"]) <= Decimal(totals["goods"])


@settings(deadline=None)  # another process may have the machine for a moment
@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**6), min_size=1, max_size=20), currencies)
def test_an_allocated_amount_is_all_given_and_no_part_is_overdrawn(share, weights, currency):
    step = unit(currency)
    amounts = [weight * step for weight in weights]
    whole = sum(amounts, Decimal(0))
    amount = min(share * step, whole)
    parts = allocate(amount, amounts, currency)
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, amounts, strict=True))


@settings(deadline=None)  # another process may have the machine for a moment
@given(minor, rates, currencies)
def test_base_and_tax_rounded_apart_equal_the_price_with_tax(amount, rate, currency):
    gross = amount * unit(currency)
    split = taxed(gross, Decimal(rate), currency, included=True)
    base = gross * 100 / (100 + Decimal(rate))
    assert split.untaxed == base.quantize(unit(currency), ROUND_HALF_UP)
    assert split.total == gross


@settings(deadline=None)  # another process may have the machine for a moment
@given(minor, st.lists(st.integers(1, 9), min_size=1, max_size=9), currencies)
def test_parts_refunded_one_after_the_other_come_to_the_whole(amount, pieces, currency):
    total, done, count = amount * unit(currency), Decimal(0), 0
    for quantity in pieces:
        part = part_of(total, done, count, quantity, sum(pieces), currency)
        assert part >= 0
        done, count = done + part, count + quantity
    assert done == total


@pytest.mark.parametrize(
    ("amount", "rate", "currency", "tax"),
    [
        ("0.50", "19", "EUR", "0.10"),
        ("1.50", "7", "EUR", "0.11"),
        ("150", "7", "JPY", "11"),
        ("0.050", "19", "KWD", "0.010"),
    ],
)
def test_halves_of_the_smallest_unit_are_rounded_up(amount, rate, currency, tax):
    assert taxed(Decimal(amount), Decimal(rate), currency, included=False).tax == Decimal(tax)
