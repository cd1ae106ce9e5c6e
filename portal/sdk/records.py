"""Canonical records: frozen, exact, free of any vendor.

Ids (``external_id``, ``order_id`` …) are always the ids of the connection that the record came from or
goes to. Moments are aware ``datetime``; amounts are :class:`~portal.sdk.money.Money`; quantities are
``Decimal``. ``version`` grows with every change at the source: a revision number where the remote has
one, else the microseconds of its modification time. The newer version wins, however late it arrives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from portal.sdk.money import Money


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"


Rate = Annotated[Decimal, Field(allow_inf_nan=False), PlainSerializer(_plain, return_type=str)]
"""A number; written without trailing zeros, so that equal numbers are equal text."""

Quantity = Annotated[Rate, Field(gt=-(10**14), lt=10**14, decimal_places=4)]
"""Pieces, kilograms or metres, to four digits after the point."""


def _in_some_year(moment: datetime) -> datetime:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{moment} is in no year that can be stored") from None
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_some_year)]
"""A point in time, with its zone; in UTC too it is in one of the years 1 to 9999."""

Id = Annotated[str, Field(min_length=1, max_length=200, coerce_numbers_to_str=True)]
"""An id as text; a number is taken too, so that nobody needs ``str()``, which makes an id of nothing."""

Sku = Annotated[str, Field(max_length=200)]


class Part(BaseModel):
    """A piece of a record, without a life of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _in_one_currency(what: str, currency: str, amounts: Sequence[Money], payable: Sequence[Money]) -> None:
    if {amount.currency for amount in (*amounts, *payable)} - {currency}:
        raise ValueError(f"{what} is in {currency} but has amounts in another currency")
    for amount in payable:
        amount.minor  # noqa: B018 - raises the sentence that names the amount


class Record(Part):
    """What has an id and a version at its source."""

    kind: ClassVar[str]
    external_id: Id
    version: int = Field(ge=0, lt=2**63)


class Address(Part):
    name: str = ""
    company: str = ""
    street: str = ""
    street2: str = ""
    postcode: str = ""
    city: str = ""
    region: str = ""
    country: str = Field(default="", pattern=r"^([A-Z]{2})?$", description="ISO 3166-1 alpha-2, or empty")
    phone: str = ""


class Customer(Part):
    """Who ordered. ``external_id`` is empty for a guest."""

    external_id: str = ""
    name: str = ""
    email: str = ""


class Tax(Part):
    """One tax on one line. ``rate`` is in percent: 19 for 19 %."""

    name: str
    rate: Rate
    amount: Money


class Discount(Part):
    """What was taken off one line: ``amount`` is positive, in the order's tax mode."""

    amount: Money
    code: str = ""


class OrderLine(Part):
    """One line. ``total`` = quantity × unit price - discounts, rounded, in the order's tax mode."""

    external_id: Id
    sku: Sku
    title: str = ""
    quantity: Quantity
    unit_price: Money
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    total: Money


class ShippingLine(Part):
    """What the customer pays for delivery, in the order's tax mode."""

    external_id: Id
    title: str = ""
    taxes: tuple[Tax, ...] = ()
    total: Money


class Order(Record):
    """A customer's order, as it stands now at its source.

    ``tax_included`` says whether prices and line totals contain the tax. ``total`` is what the customer
    pays in all, tax included; ``paid`` is what was captured so far. ``location`` is the source's id of the
    place that the goods leave from.

    ``state``: *cancelled* is passed on; *closed* says that the source is done with it, which changes nothing
    elsewhere, so a source that has no such word leaves it *open*.
    """

    kind: ClassVar[str] = "order"
    number: str = Field(min_length=1, max_length=100)
    state: Literal["open", "cancelled", "closed"] = "open"
    placed_at: Moment
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    tax_included: bool = False
    customer: Customer = Customer()
    billing: Address = Address()
    shipping: Address = Address()
    location: Id
    lines: tuple[OrderLine, ...]
    delivery: tuple[ShippingLine, ...] = ()
    total: Money
    paid: Money
    note: str = ""

    @model_validator(mode="after")
    def _one_currency(self) -> Order:
        charged: tuple[OrderLine | ShippingLine, ...] = (*self.lines, *self.delivery)
        amounts = [tax.amount for each in charged for tax in each.taxes]
        for line in self.lines:
            amounts += [line.unit_price, *(discount.amount for discount in line.discounts)]
        payable = [self.total, self.paid, *(each.total for each in charged)]
        _in_one_currency(f"order {self.number}", self.currency, amounts, payable)
        return self


class RefundLine(Part):
    """Goods given back or paid back.

    ``total`` is what is paid back for the line with its tax. ``restock_to`` is the source's id of the place
    that the goods went back to; empty when nothing came back (or it was not fit to sell).
    """

    order_line: Id
    sku: Sku
    quantity: Quantity
    total: Money
    taxes: tuple[Tax, ...] = ()
    restock_to: str = ""


class Refund(Record):
    """Money given back for one order, with the goods that came back: the return is its lines.

    ``total`` is what the customer got, tax included: lines + ``shipping`` + ``adjustment``; each of them is
    with its tax, whatever the order's tax mode.
    """

    kind: ClassVar[str] = "refund"
    order_id: Id
    number: str = Field(default="", max_length=100)
    refunded_at: Moment
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    lines: tuple[RefundLine, ...] = ()
    shipping: ShippingLine | None = None
    adjustment: Money | None = None
    total: Money
    reason: str = ""

    @model_validator(mode="after")
    def _one_currency(self) -> Refund:
        parts: list[RefundLine | ShippingLine] = [*self.lines, *([self.shipping] if self.shipping else [])]
        payable = [self.total, *(part.total for part in parts)]
        payable += [self.adjustment] if self.adjustment else []
        taxes = [tax.amount for part in parts for tax in part.taxes]
        _in_one_currency(f"refund {self.number or self.external_id}", self.currency, taxes, payable)
        return self


class Location(Record):
    """A place that holds stock. ``code`` is the short name people know it by."""

    kind: ClassVar[str] = "location"
    code: str = Field(min_length=1, max_length=60)
    name: str = ""


class Product(Record):
    """One thing with one SKU; a variant where the source has variants."""

    kind: ClassVar[str] = "product"
    sku: Sku
    title: str = ""
    price: Money | None = None
    active: bool = True


class StockLevel(Record):
    """How many of one product can be sold from one location.

    ``available`` is on hand minus what is already promised. When pushed, ``expected`` is the figure we believe the remote shows now, for its
    compare-and-set; None where we have none.
    """

    kind: ClassVar[str] = "stock"
    product_id: Id
    sku: Sku = ""
    location_id: Id
    available: Quantity
    expected: Quantity | None = None


class ShipmentLine(Part):
    """Goods in a parcel. ``order_line`` is the order line's ``external_id`` at the connection that the shipment is
    of; empty when it does not say."""

    sku: Sku
    quantity: Quantity
    order_line: str = ""


class Shipment(Record):
    """Goods that left for one order: a part of it, or all."""

    kind: ClassVar[str] = "shipment"
    order_id: Id
    number: str = ""
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""
    shipped_at: Moment
    lines: tuple[ShipmentLine, ...]


KINDS: dict[str, type[Record]] = {
    cls.kind: cls for cls in (Location, Product, StockLevel, Order, Shipment, Refund)
}


def version_of(moment: datetime) -> int:
    """The version of an object whose source has only a modification time: its microseconds since 1970.

    Raises ``ValueError`` for a naive moment, which would mean another instant on another machine.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone.")
    seconds = int(moment.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + moment.microsecond
