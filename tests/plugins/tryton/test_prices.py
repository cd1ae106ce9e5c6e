"""Net unit prices from which Tryton computes the shop's figures."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.tryton.prices import Rounding, computed, odd_unit, unit_price

CENTS = Rounding(Decimal("0.01"), Decimal("0.00000001"))
CURRENCIES = {
    "EUR": CENTS,
    "JPY": Rounding(Decimal(1), Decimal("0.00000001")),
    "KWD": Rounding(Decimal("0.001"), Decimal("0.00000001")),
}


@given(
    minor=st.integers(0, 10**9),
    rate=st.sampled_from([Decimal(19), Decimal(7), Decimal(0), Decimal("5.5")]),
    quantity=st.integers(1, 500),
    currency=st.sampled_from(sorted(CURRENCIES)),
)
def test_a_total_with_tax_comes_back_to_the_smallest_unit(minor, rate, quantity, currency):
    rounding = CURRENCIES[currency]
    gross = minor * rounding.unit
    tax = (gross * rate / (100 + rate)).quantize(rounding.unit, rounding=ROUND_HALF_UP)
    price = unit_price(gross - tax, [(rate / 100, tax)], Decimal(quantity), rounding)
    assert computed(Decimal(quantity), price, [rate / 100], rounding) == [gross - tax, tax]


@given(minor=st.integers(0, 10**7), quantity=st.integers(1, 99))
def test_a_tax_rounded_half_up_by_the_shop_comes_back_from_tryton_which_rounds_to_even(minor, quantity):
    net = minor * CENTS.unit
    tax = (net * Decimal("0.5")).quantize(CENTS.unit, rounding=ROUND_HALF_UP)
    price = unit_price(net, [(Decimal("0.5"), tax)], Decimal(quantity), CENTS)
    assert computed(Decimal(quantity), price, [Decimal("0.5")], CENTS) == [net, tax]


def test_a_plain_price_stays_plain():
    assert unit_price(Decimal("37.50"), [(Decimal("0.07"), Decimal("2.62"))], Decimal(3), CENTS) == Decimal(
        "12.5"
    )


def test_two_taxes_of_one_line_both_come_back():
    taxes = [(Decimal("0.05"), Decimal("0.50")), (Decimal("0.09975"), Decimal("1.00"))]
    price = unit_price(Decimal("9.99"), taxes, Decimal(7), CENTS)
    assert computed(Decimal(7), price, [rate for rate, _ in taxes], CENTS) == [
        Decimal("9.99"),
        Decimal("0.50"),
        Decimal("1.00"),
    ]


@pytest.mark.parametrize("wrong", ["0.43", "0.31", "-0.32"])
def test_a_tax_that_no_price_can_give_is_not_forced(wrong):
    price = unit_price(Decimal("4.57"), [(Decimal("0.07"), Decimal(wrong))], Decimal(1), CENTS)
    assert price == Decimal("4.57")
    assert computed(Decimal(1), price, [Decimal("0.07")], CENTS) == [Decimal("4.57"), Decimal("0.32")]


@given(minor=st.integers(1, 10**7), rate=st.sampled_from([Decimal("0.20"), Decimal("0.10"), Decimal("0.50")]))
def test_where_no_net_price_gives_the_total_one_cent_is_set_apart(minor, rate):
    gross = minor * CENTS.unit
    tax = (gross * rate / (1 + rate)).quantize(CENTS.unit, rounding=ROUND_HALF_UP)
    net, one = gross - tax, Decimal(1)
    if computed(one, unit_price(net, [(rate, tax)], one, CENTS), [rate], CENTS) == [net, tax]:
        return
    price, cent = odd_unit(net, [(rate, tax)], one, CENTS)
    assert computed(one, price, [rate], CENTS) == [net - cent, tax]
    assert abs(cent) == CENTS.unit


def test_a_wrong_tax_is_no_odd_cent():
    assert odd_unit(Decimal("4.57"), [(Decimal("0.07"), Decimal("0.43"))], Decimal(1), CENTS) is None
