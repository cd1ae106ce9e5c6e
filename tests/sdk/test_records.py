import doctest
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr, ValidationError

import portal.sdk
from portal.sdk import (
    Discount,
    Field,
    Money,
    Product,
    Settings,
    ShippingLine,
    StockLevel,
    read_each,
    version_of,
)
from portal.sdk.records import KINDS
from tests.toys import NOON, eur, line, order, refund


def test_the_package_docstring_runs():
    result = doctest.testmod(portal.sdk, optionflags=doctest.ELLIPSIS)
    assert result.attempted > 8
    assert result.failed == 0


def test_a_record_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        order().number = "other"
    with pytest.raises(ValidationError, match="frozen"):
        order().lines[0].title = "other"


def test_a_moment_without_a_time_zone_is_refused():
    naive = NOON.replace(tzinfo=None)
    with pytest.raises(ValidationError, match="timezone"):
        order(placed_at=naive)
    with pytest.raises(ValueError, match="no time zone"):
        version_of(naive)


@pytest.mark.parametrize("beyond", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:30:00-01:00"])
def test_a_moment_that_no_column_could_hold_is_refused(beyond):
    with pytest.raises(ValidationError, match="in no year that can be stored"):
        order(placed_at=beyond)
    assert order(placed_at="0001-01-01T00:00:00Z").placed_at.year == 1


def test_the_version_of_a_moment_grows_by_its_microseconds():
    assert (
        version_of(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC))
        - version_of(datetime(2026, 1, 1, tzinfo=UTC))
        == 1
    )


USD = Money("10.00", "USD")


@pytest.mark.parametrize(
    "spoilt",
    [
        {"paid": USD},
        {"lines": (line().model_copy(update={"unit_price": USD}),)},
        {"lines": (line().model_copy(update={"discounts": (Discount(amount=USD),)}),)},
        {"lines": (line().model_copy(update={"total": USD}),)},
        {"delivery": (ShippingLine(external_id="d", total=USD),)},
    ],
)
def test_an_order_has_one_currency(spoilt):
    fields = order().model_dump() | spoilt
    with pytest.raises(ValidationError, match="amounts in another currency"):
        portal.sdk.Order.model_validate(fields)


def test_a_refund_has_one_currency():
    with pytest.raises(ValidationError, match="amounts in another currency"):
        portal.sdk.Refund.model_validate(refund().model_dump() | {"total": USD})


def test_what_is_paid_has_no_fractions_of_a_cent():
    with pytest.raises(ValidationError, match=r"87\.584 EUR has fractions"):
        order(total="87.584")
    assert order(1, 1, line(price="0.3333", quantity=3, total="1.00")).lines[0].unit_price == eur("0.3333")


@pytest.mark.parametrize("pieces", ["1e15", "0.00001", "NaN"])
def test_a_quantity_that_no_column_could_hold_is_refused(pieces):
    with pytest.raises(ValidationError):
        line(quantity=pieces, total="1")
    with pytest.raises(ValidationError):
        StockLevel(external_id="a", version=1, product_id="a", location_id="b", available=pieces)


def test_an_amount_or_version_that_no_column_could_hold_is_refused():
    with pytest.raises(ValidationError, match="more than any amount of money"):
        order(total="1e15")
    with pytest.raises(ValidationError, match="less than"):
        order(1, 2**63)


def test_equal_quantities_are_equal_text():
    assert line(quantity="2.50", total="25").model_dump(mode="json") == line(
        quantity="2.5", total="25"
    ).model_dump(mode="json")


@pytest.mark.parametrize("record", [order(), refund()])
def test_a_record_survives_being_written_down(record):
    assert KINDS[record.kind].model_validate(record.model_dump(mode="json")) == record


def test_an_unknown_field_is_an_error_and_not_ignored():
    with pytest.raises(ValidationError, match="colour"):
        Product(external_id="1", version=1, sku="A", colour="red")


def test_one_malformed_object_is_set_aside_with_its_reason_and_the_rest_passes():
    def read(raw):
        return Product(
            external_id=raw["id"], version=raw["v"], sku=raw["sku"], price=eur(raw.get("price", 1))
        )

    raws = [
        {"id": "1", "v": 1, "sku": "A"},
        {"id": "2", "v": 1},
        {"id": "3", "v": -1, "sku": "C"},
        {"id": "4", "v": 1, "sku": "D", "price": "much"},
        "nonsense",
        None,
        {"id": "5", "v": 1, "sku": "E"},
    ]
    page = read_each(raws, read, cursor="next")
    assert [found.record.external_id for found in page.found] == ["1", "5"]
    assert [rejected.external_id for rejected in page.rejected] == ["2", "3", "4", "?", "?"]
    assert page.rejected[0].reason == "the field 'sku' is missing"
    assert page.rejected[1].reason.startswith("version: Input should be greater than")
    assert "'much' is not an amount" in page.rejected[2].reason
    assert page.cursor == "next"


def test_a_setting_that_does_not_fit_is_named_without_its_value():
    class AcmeSettings(Settings):
        token: SecretStr = Field(min_length=30)

    with pytest.raises(ValidationError) as refused:
        AcmeSettings(token="hunter2")
    assert "token" in str(refused.value)
    assert "hunter2" not in str(refused.value) + repr(refused.value)
