"""The test-bed's shop and ERP, as the author of a plugin would write them."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.sdk import (
    Address,
    Change,
    Connector,
    Customer,
    Hint,
    Http,
    Location,
    Money,
    Order,
    OrderLine,
    Page,
    Product,
    Promise,
    Receipt,
    Settings,
    Tax,
    Webhook,
    hook,
    read_each,
    verify_hmac,
)

Raw = Mapping[str, Any]


class BedSettings(Settings):
    """``prefix`` keeps the sales of several ERPs apart."""

    url: str
    prefix: str = ""


class Bed(Connector):
    """What both sides have: the same products and the one place."""

    Settings = BedSettings
    in_flight = int(os.environ.get("BENCH_IN_FLIGHT", "8"))

    def __init__(self, settings: BedSettings) -> None:
        super().__init__(settings)
        self.prefix = settings.prefix
        self.http = Http(settings.url, in_flight=self.in_flight)

    def check(self) -> str:
        return f"The test-bed, {self.http.get('/log').json()['done']} sales."

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]:
        raws = self.http.get("/items", params={"of": "locations"}).json()["items"]
        yield read_each(raws, lambda raw: Location(external_id=raw["id"], version=1, code=raw["code"]))

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]:
        raws = self.http.get("/items", params={"of": "products"}).json()["items"]
        yield read_each(raws, lambda raw: Product(external_id=raw["id"], version=1, sku=raw["sku"]))


class BedShop(Bed):
    key, title = "bedshop", "The test-bed's shop"

    def pull_order(self, cursor: str | None) -> Iterator[Page[Order]]:
        more, after = True, cursor or "0"
        while more:
            told = self.http.get("/orders", params={"after": after}).json()
            more, after = told["more"], str(told["next"])
            yield read_each(told["items"], order, cursor=after)

    def fetch_order(self, external_ids: Sequence[str]) -> Page[Order]:
        told = self.http.get("/orders", params={"ids": ",".join(external_ids)}).json()
        return read_each(told["items"], order)

    def hear(self, webhook: Webhook, secrets: Sequence[str]) -> Sequence[Hint]:
        verify_hmac(webhook.body, webhook.headers.get("x-bed", ""), secrets)
        number = webhook.body.decode()
        return [Hint("order.created", "order", number, number)]

    def subscribe(self, url: str, secret: str) -> str:
        return "The test-bed needs no telling."


class BedErp(Bed):
    key, title = "bederp", "The test-bed's ERP"
    promises = {"order": Promise.UNIQUE_REFERENCE}

    def push_order(self, change: Change[Order]) -> Receipt:
        record = change.record
        body = {
            "reference": record.external_id,
            "number": record.number,
            "date": record.placed_at.isoformat(),
            "currency": record.currency,
            "party": {"code": record.customer.external_id, "name": record.customer.name},
            "address": {
                "street": f"{record.shipping.street}\n{record.shipping.street2}",
                "city": f"{record.shipping.postcode} {record.shipping.city}",
                "country": record.shipping.country,
            },
            "lines": [
                {
                    "product": change.ref("product", line.sku),
                    "quantity": f"{line.quantity:f}",
                    "price": f"{line.unit_price.amount:f}",
                    "tax": f"{line.taxes[0].amount.amount:f}",
                }
                for line in record.lines
            ],
            "total": f"{record.total.amount:f}",
        }
        headers = {"Idempotency-Key": self.prefix + record.external_id}
        answer = self.http.post("/sales", json=body, headers=headers).json()
        return Receipt(answer["id"])

    def find_order(self, change: Change[Order]) -> Receipt | None:
        there = self.http.get("/sales", params={"key": self.prefix + change.record.external_id}).json()
        return Receipt(there["id"]) if there else None


def order(raw: Raw) -> Order:
    currency, customer = raw["currency"], raw["customer"]
    return Order(
        external_id=raw["id"],
        version=raw["version"],
        number=raw["number"],
        placed_at=raw["placed_at"],
        currency=currency,
        location=raw["location"],
        customer=Customer(external_id=customer["id"], name=customer["name"], email=customer["email"]),
        billing=Address(**raw["billing"]),
        shipping=Address(**raw["shipping"]),
        lines=tuple(line(each, currency) for each in raw["lines"]),
        total=Money(raw["total"], currency),
        paid=Money(raw["paid"], currency),
        note=raw["note"],
    )


def line(raw: Raw, currency: str) -> OrderLine:
    tax = raw["tax"]
    return OrderLine(
        external_id=raw["id"],
        sku=raw["sku"],
        title=raw["title"],
        quantity=Decimal(raw["quantity"]),
        unit_price=Money(raw["unit_price"], currency),
        taxes=(Tax(name=tax["name"], rate=Decimal(tax["rate"]), amount=Money(tax["amount"], currency)),),
        total=Money(raw["total"], currency),
    )


@hook
def register_connectors() -> Iterable[type[Connector]]:
    return [BedShop, BedErp]
