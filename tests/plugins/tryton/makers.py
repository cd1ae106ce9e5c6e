"""Orders, refunds and changes as the engine would give them to the connector."""

from datetime import UTC, datetime
from decimal import Decimal

from portal.sdk import Address, Change, Customer, Money, Order, OrderLine, Refund, ShippingLine, Tax


def change(record, refs, remote_id=""):
    orders = {("order", record.order_id): record.order_id} if isinstance(record, Refund) else {}
    return Change(
        key=f"{record.kind}:{record.external_id}", record=record, remote_id=remote_id, refs=refs | orders
    )


def line(sku, quantity, total, rate="19", tax=None, currency="EUR"):
    """An order line; ``tax`` defaults to the part that is in ``total``."""
    amount, percent = Decimal(total), Decimal(rate)
    inside = Money(amount * percent / (100 + percent), currency).rounded()
    part = inside if tax is None else Money(tax, currency)
    return OrderLine(
        external_id=f"{sku}-{quantity}",
        sku=sku,
        quantity=Decimal(quantity),
        unit_price=Money(amount / Decimal(quantity), currency),
        total=Money(total, currency),
        taxes=(Tax(name="VAT", rate=percent, amount=part),),
    )


def delivery(total, rate="19", tax=None, currency="EUR"):
    like = line("x", "1", total, rate, tax, currency)
    return ShippingLine(external_id="s", title="Versand", taxes=like.taxes, total=like.total)


def order(external_id, *lines, currency="EUR", tax_included=True, total=None, **fields):
    """An order whose total is the sum of its parts, unless another is given."""
    parts = (*lines, *fields.get("delivery", ()))
    summed = sum((part.total.amount for part in parts), Decimal(0))
    if not tax_included:
        summed += sum((tax.amount.amount for part in parts for tax in part.taxes), Decimal(0))
    amount = Money(summed if total is None else total, currency)
    told = {
        "version": 1,
        "number": f"#{external_id}",
        "placed_at": datetime.now(UTC),
        "customer": Customer(name="Zoë Müller", email="zoe@example.com"),
        "billing": Address(
            name="Zoë Müller", street="Straße 1", postcode="10115", city="Berlin", country="DE"
        ),
        "location": "BER",
        "paid": amount,
    }
    return Order(
        external_id=external_id,
        currency=currency,
        tax_included=tax_included,
        lines=lines,
        total=amount,
        **told | fields,
    )


def refund(external_id, order_id, *lines, total, currency="EUR", **fields):
    return Refund(
        external_id=external_id,
        version=1,
        order_id=order_id,
        refunded_at=datetime.now(UTC),
        currency=currency,
        lines=lines,
        total=Money(total, currency),
        **fields,
    )
