"""The shop's JSON as records, and shipments as the shop's JSON. Pure functions, each for one thing."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from portal.sdk import (
    Address,
    Customer,
    Discount,
    Location,
    Money,
    Order,
    OrderLine,
    Product,
    Receipt,
    Refund,
    RefundLine,
    ShipmentLine,
    ShippingLine,
    SkipRecord,
    StockLevel,
    Tax,
)

Json = Mapping[str, Any]

STATES = {"open": "open", "completed": "closed", "cancelled": "cancelled"}


def location(raw: Json) -> Location:
    return Location(external_id=raw["id"], version=raw["revision"], code=raw["code"], name=raw["name"])


def variants(product: Json) -> list[Json]:
    """What the shop calls a variant is our product; its version is that of the product it belongs to.

    A product that lacks them goes on as it is, to be set aside with its reason.
    """
    found = product.get("variants")
    if found is None:
        return [product]
    return [{**variant, "revision": product.get("revision")} for variant in found]


def product(variant: Json) -> Product:
    return Product(
        external_id=variant["id"],
        version=variant["revision"],
        sku=variant["sku"],
        title=variant["title"],
        price=Money(variant["price"], variant["currency"]),
    )


def stock(raw: Json) -> StockLevel:
    return StockLevel(
        external_id=raw["id"],
        version=raw["revision"],
        product_id=raw["variant_id"],
        sku=raw["sku"],
        location_id=raw["location_id"],
        available=raw["available"],
    )


def order(raw: Json) -> Order:
    currency, included = raw["currency"], raw["tax_included"]
    fee, billing = raw["shipping"], address(raw["billing_address"])
    known = raw["customer"] or {"id": "", "name": billing.name, "email": raw["email"] or ""}
    return Order(
        external_id=raw["id"],
        version=raw["revision"],
        number=raw["number"],
        state=STATES[raw["status"]],
        placed_at=raw["created_at"],
        currency=currency,
        tax_included=included,
        customer=Customer(external_id=known["id"], name=known["name"], email=known["email"]),
        billing=billing,
        shipping=address(raw["shipping_address"]),
        location=raw["location_id"],
        lines=tuple(order_line(line, currency, included=included) for line in raw["lines"]),
        delivery=(
            ShippingLine(
                external_id=f"{raw['id']}-shipping",
                title=fee["title"],
                taxes=taxes(fee, currency),
                total=Money(fee["total" if included else "untaxed"], currency),
            ),
        ),
        total=Money(raw["totals"]["total"], currency),
        paid=Money(raw["captured"], currency),
        note=raw["note"],
    )


def order_line(raw: Json, currency: str, *, included: bool) -> OrderLine:
    discount = Money(raw["discount"], currency)
    return OrderLine(
        external_id=raw["id"],
        sku=raw["sku"],
        title=raw["title"],
        quantity=raw["quantity"],
        unit_price=Money(raw["unit_price"], currency),
        discounts=(Discount(amount=discount),) if discount else (),
        taxes=taxes(raw, currency),
        total=Money(raw["total" if included else "untaxed"], currency),
    )


def refund(raw: Json) -> Refund:
    currency, fee = raw["currency"], raw["shipping"]
    freight = ShippingLine(
        external_id=f"{raw['id']}-shipping",
        taxes=taxes(fee, currency),
        total=Money(fee["amount"], currency),
    )
    return Refund(
        external_id=raw["id"],
        version=raw["revision"],
        order_id=raw["order_id"],
        number=raw["id"],
        refunded_at=raw["created_at"],
        currency=currency,
        lines=tuple(
            RefundLine(
                order_line=line["line_id"],
                sku=line["sku"],
                quantity=line["quantity"],
                total=Money(line["amount"], currency),
                taxes=taxes(line, currency),
                restock_to=line["restock_location_id"] or "",
            )
            for line in raw["lines"]
        ),
        shipping=freight if freight.total else None,
        total=Money(raw["total"], currency),
    )


def taxes(raw: Json, currency: str) -> tuple[Tax, ...]:
    """The one tax of a line; a rate of zero is no tax."""
    if not Decimal(raw["tax_rate"]):
        return ()
    rate = raw["tax_rate"]
    return (Tax(name=f"{rate} %", rate=rate, amount=Money(raw["tax"], currency)),)


def address(raw: Json | None) -> Address:
    same = ("name", "company", "street", "street2", "city", "region", "country", "phone")
    given = raw or {}
    return Address(postcode=given.get("postal_code", ""), **{name: given.get(name, "") for name in same})


def shipment_lines(order: Json, lines: Iterable[ShipmentLine]) -> list[dict[str, Any]]:
    """What was sent, by SKU, laid over the lines of the order that still wait for it.

    Raises ``SkipRecord`` when more was sent than is left to send.
    """
    left = {line["id"]: line["quantity"] - line["shipped"] for line in order["lines"]}
    sent = []
    for line in lines:
        missing = whole(line.quantity)
        for wanted in order["lines"]:
            quantity = min(missing, left[wanted["id"]]) if wanted["sku"] == line.sku else 0
            if quantity > 0:
                sent.append({"line_id": wanted["id"], "quantity": quantity})
                left[wanted["id"]] -= quantity
                missing -= quantity
        if missing:
            raise SkipRecord(
                f"Order {order['number']} has {missing} of {line.sku} fewer left to ship than were sent.",
                cause="shipped-too-much",
                mend="Compare the order in the shop with the shipment: one of them was changed by hand.",
            )
    return sent


def shipment_receipt(raw: Json) -> Receipt:
    return Receipt(raw["id"], f"Shipped under {raw['tracking_number'] or 'no tracking number'}.")


def whole(quantity: Decimal) -> int:
    """The shop counts in pieces. Raises ``SkipRecord`` for a fraction of one."""
    if quantity != int(quantity):
        raise SkipRecord(f"The shop cannot hold {quantity} pieces.", cause="fraction")
    return int(quantity)
