from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.sdk import Money
from portal.sdk.money import exponent

minors = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
weights = st.lists(st.integers(0, 10**20), min_size=1, max_size=60)
fine_weights = st.lists(
    st.decimals(0, 10**9, allow_nan=False, allow_infinity=False, places=6), min_size=1, max_size=20
)


@pytest.mark.parametrize(
    "text, minor", [("12.34 EUR", 1234), ("12 JPY", 12), ("1.234 KWD", 1234), ("0.0001 CLF", 1)]
)
def test_the_smallest_unit_is_the_currencys_own(text, minor):
    assert Money.parse(text).minor == minor
    assert Money.from_minor(minor, text[-3:]) == Money.parse(text)


@given(minors, currencies)
def test_text_and_smallest_units_lead_back_to_the_same_amount(minor, currency):
    money = Money.from_minor(minor, currency)
    assert Money.parse(str(money)) == money
    assert money.minor == minor
    assert hash(Money.parse(str(money))) == hash(money)


@given(minors, currencies, weights | fine_weights)
def test_shares_add_up_to_the_cent_and_none_is_off_by_more_than_one(minor, currency, shares_by):
    shares = Money.from_minor(minor, currency).split(shares_by)
    assert sum(share.minor for share in shares) == minor
    whole = sum(map(Decimal, shares_by))
    if whole:
        for share, weight in zip(shares, shares_by, strict=True):
            assert abs(share.minor * whole - minor * weight) <= whole


def test_weights_of_nothing_share_evenly_and_bad_weights_are_refused():
    assert [share.minor for share in Money("0.05", "EUR").split([0, 0])] == [3, 2]
    for weights in ([], [1, -1]):
        with pytest.raises(ValueError, match="zero or more"):
            Money("1", "EUR").split(weights)


@pytest.mark.parametrize("amount", [1.5, "NaN", "Infinity", "many", None])
def test_only_exact_finite_numbers_are_money(amount):
    with pytest.raises(ValueError, match="float is not exact|not an amount of money"):
        Money(amount, "EUR")


@pytest.mark.parametrize("currency", ["eur", "EURO", "E1R", "", "€€€"])
def test_a_currency_is_three_capital_letters(currency):
    with pytest.raises(ValueError, match="not a currency code"):
        Money(1, currency)


@pytest.mark.parametrize("mix", ["__add__", "__sub__", "__lt__", "__le__", "__gt__", "__ge__"])
def test_two_currencies_never_meet(mix):
    with pytest.raises(ValueError, match="different currencies"):
        getattr(Money(1, "EUR"), mix)(Money(1, "USD"))
    assert Money(1, "EUR") != Money(1, "USD")


@given(st.decimals(-(10**13), 10**13, allow_nan=False, places=9), minors)
def test_no_digit_is_lost_by_arithmetic(unit_price, minor):
    price, other = Money(unit_price, "EUR"), Money.from_minor(minor, "EUR")
    assert price + other - other == price
    assert (price * 3 - price - price) == price
    assert Money(price.amount, "EUR").amount == unit_price


def test_an_amount_with_more_digits_than_decimals_usual_precision_keeps_them():
    long = "1" * 40 + ".25"
    assert str(Money(long, "EUR")) == f"{long} EUR"
    assert Money(long, "EUR").minor == int(long.replace(".", ""))


def test_halves_round_away_from_zero():
    assert Money("0.005", "EUR").rounded() == Money("0.01", "EUR")
    assert Money("-0.005", "EUR").rounded() == Money("-0.01", "EUR")
    assert Money("-0.001", "EUR").rounded() == Money("0.00", "EUR")
    assert str(Money("-0.00", "EUR")) == "0.00 EUR"


def test_a_finer_amount_has_no_smallest_units_and_says_so():
    with pytest.raises(ValueError, match=r"0\.001 EUR has fractions"):
        Money("0.001", "EUR").minor  # noqa: B018
    assert exponent("XYZ") == 2


def test_money_does_not_change():
    money = Money(1, "EUR")
    with pytest.raises(AttributeError, match="make a new one"):
        money.amount = Decimal(2)
