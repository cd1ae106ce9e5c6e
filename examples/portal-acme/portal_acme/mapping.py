"""Acme's JSON as records. Pure functions, without a network."""

from typing import Any

from portal.sdk import Customer, Location, Money, Order, OrderLine, Product

STATES = {"new": "open", "sent": "closed", "void": "cancelled"}


def location(raw: Any) -> Location:
    return Location(external_id=raw["id"], version=raw["change"], code=raw["code"], name=raw["name"])


def product(raw: Any) -> Product:
    return Product(external_id=raw["id"], version=raw["change"], sku=raw["sku"], title=raw["title"])


def order(raw: Any) -> Order:
    return Order(
        external_id=raw["id"],
        version=raw["change"],
        number=raw["number"],
        state=STATES[raw["status"]],
        placed_at=raw["placed_at"],
        currency=raw["currency"],
        customer=Customer(name=raw["buyer"], email=raw["email"]),
        location=raw["place"],
        lines=tuple(order_line(line, raw["currency"]) for line in raw["lines"]),
        total=Money(raw["total"], raw["currency"]),
        paid=Money(raw["paid"], raw["currency"]),
    )


def order_line(raw: Any, currency: str) -> OrderLine:
    each, total = Money(raw["price"], currency), Money(raw["total"], currency)
    return OrderLine(external_id=raw["id"], sku=raw["sku"], quantity=raw["qty"], unit_price=each, total=total)
