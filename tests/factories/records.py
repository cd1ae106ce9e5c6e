"""Products, stock, orders, refunds and shipments, stored as if they had been read."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from portal.connections.models import Reference
from portal.records.identity import identify
from portal.records.models import Location, Order, Product, Refund, Shipment, StockLevel
from portal.records.store import store
from portal.records.written import written
from portal.sdk import (
    Address,
    Customer,
    Discount,
    Found,
    Money,
    OrderLine,
    RefundLine,
    ShipmentLine,
    ShippingLine,
    Tax,
)
from portal.sdk import Location as LocationRecord
from portal.sdk import Order as OrderRecord
from portal.sdk import Product as ProductRecord
from portal.sdk import Refund as RefundRecord
from portal.sdk import Shipment as ShipmentRecord
from portal.sync.facts import note

THINGS = ["Mug", "Teapot", "Notebook", "Desk lamp", "Wool scarf", "Cutting board", "Rain jacket", "Candle"]
COLOURS = ["white", "blue", "forest green", "amber", "graphite"]
PEOPLE = [
    ("Ada Vermeer", "Oudegracht 12", "3511 AB", "Utrecht", "NL"),
    ("Jürgen Weiß", "Bäckerstraße 7", "80331", "München", "DE"),
    ("Zoë Ångström", "Götgatan 41", "116 21", "Stockholm", "SE"),
    ("Marta Nowak", "ul. Długa 3/5", "00-238", "Warszawa", "PL"),
    ("Siobhán O'Neill", "14 Abbey Street", "D01 X2P6", "Dublin", "IE"),
    ("石田 花子", "神宮前 4-12-10", "150-0001", "東京", "JP"),
]


def products(master, number=20):
    """Products and three locations of the connection that keeps the stock."""
    found = [
        Found(
            ProductRecord(
                external_id=f"{master.slug}-p{at}",
                version=1,
                sku=f"{THINGS[at % len(THINGS)][:3].upper()}-{100 + at}",
                title=f"{THINGS[at % len(THINGS)]}, {COLOURS[at % len(COLOURS)]}",
                price=Money(Decimal(at * 3 + 7) + Decimal("0.90"), "EUR"),
            ),
            {"id": at},
        )
        for at in range(number)
    ]
    places = [
        Found(LocationRecord(external_id=f"{master.slug}-{code}", version=1, code=code, name=name))
        for code, name in (("WH1", "Warehouse Utrecht"), ("WH2", "Warehouse Kraków"), ("OUTLET", "Outlet"))
    ]
    now = timezone.now()
    identify(master, "product", list(map(written, found)), master=True, sure=True, now=now)
    identify(master, "location", list(map(written, places)), master=True, sure=True, now=now)
    return list(Product.objects.all()), list(Location.objects.all())


def known_at(connection):
    """The other connection knows our products and locations too, under ids of its own."""
    rows = [("product", row.pk, row.sku) for row in Product.objects.all()]
    rows += [("location", row.pk, row.code) for row in Location.objects.all()]
    Reference.objects.bulk_create(
        Reference(
            connection=connection,
            kind=kind,
            external_id=f"{connection.slug}-{label}",
            label=label,
            record_id=pk,
        )
        for kind, pk, label in rows
    )


def levels(*connections):
    dice = random.Random(3)
    StockLevel.objects.bulk_create(
        StockLevel(
            connection=connection,
            product=product,
            location=location,
            available=dice.randrange(0, 90),
            observed_at=timezone.now() - timedelta(minutes=4),
            doubted_since=timezone.now() - timedelta(minutes=2) if dice.random() < 0.05 else None,
        )
        for connection in connections
        for product in Product.objects.all()
        for location in Location.objects.all()
    )


def orders(connection, number=40, first=1000, hours=0.3):
    """Orders of the last days, one every ``hours``, in two currencies."""
    skus = list(Product.objects.values_list("sku", "title")) or [("MUG-100", "Mug, white")]
    found = [
        _order(connection, first + at, skus, timedelta(hours=hours * (number - at - 1)))
        for at in range(number)
    ]
    store(connection, "order", list(map(written, found)), timezone.now())
    rows = list(Order.objects.filter(origin=connection).order_by("pk"))
    note(
        "order",
        [
            (row.pk, f"Came in from {connection}: {len(row.data['lines'])} lines, {row.data['total']}.", None)
            for row in rows
        ],
        timezone.now() - timedelta(minutes=50),
    )
    return rows


def _order(connection, number, skus, age):
    dice = random.Random(number)
    currency = "GBP" if number % 7 == 3 else "EUR"
    name, street, postcode, city, country = PEOPLE[number % len(PEOPLE)]
    lines, total = [], Money(0, currency)
    for at in range(dice.randint(1, 4)):
        sku, title = dice.choice(skus)
        quantity, price = dice.randint(1, 5), Money(Decimal(dice.randint(390, 8900)) / 100, currency)
        off = Money("2.00", currency) if at == 1 else Money(0, currency)
        sum_ = price * quantity - off
        tax = (sum_ * Decimal(21) * Decimal("0.01") * (1 / Decimal("1.21"))).rounded()
        lines.append(
            OrderLine(
                external_id=f"{number}-{at}",
                sku=sku,
                title=title,
                quantity=quantity,
                unit_price=price,
                discounts=[Discount(amount=off, code="WELCOME")] if off else [],
                taxes=[Tax(name="VAT 21 %", rate=21, amount=tax)],
                total=sum_,
            )
        )
        total += sum_
    shipping = Money("4.95", currency)
    address = Address(name=name, street=street, postcode=postcode, city=city, country=country)
    record = OrderRecord(
        external_id=f"o{number}",
        version=number,
        number=f"#{number}",
        state="cancelled" if number % 17 == 5 else "open",
        placed_at=timezone.now() - age,
        currency=currency,
        tax_included=True,
        customer=Customer(external_id=f"c{number % 6}", name=name, email=f"customer{number % 6}@example.com"),
        billing=address,
        shipping=address,
        location=f"{connection.slug}-WH1",
        lines=lines,
        delivery=[ShippingLine(external_id=f"{number}-s", title="Parcel post", total=shipping)],
        total=total + shipping,
        paid=total + shipping,
        note="Please ring twice." if number % 5 == 0 else "",
    )
    return Found(record, {"id": record.external_id, "number": record.number, "shop_says": "as it came"})


def refund(order):
    line = order.data["lines"][0]
    record = RefundRecord(
        external_id=f"r{order.external_id}",
        version=1,
        order_id=order.external_id,
        number=f"R{order.number.lstrip('#')}",
        refunded_at=timezone.now() - timedelta(minutes=30),
        currency=order.currency,
        lines=[
            RefundLine(
                order_line=line["external_id"],
                sku=line["sku"],
                quantity=1,
                total=Money.parse(line["unit_price"]),
                restock_to=f"{order.origin.slug}-WH1",
            )
        ],
        total=Money.parse(line["unit_price"]),
        reason="It arrived with a crack.",
    )
    store(order.origin, "refund", [written(Found(record, {"id": record.external_id}))], timezone.now())
    row = Refund.objects.get(origin=order.origin, external_id=record.external_id)
    note("refund", [(row.pk, f"Came in from {order.origin}: 1 line, {record.total}.", None)], timezone.now())
    return row


def shipment(order, connection, tracking="3SABCD0012345"):
    """The connection that ships knows the order too."""
    there = {"external_id": f"sale-{order.pk}", "label": f"S{order.pk:05}"}
    known, _ = Reference.objects.get_or_create(
        connection=connection, kind="order", record_id=order.pk, defaults=there
    )
    record = ShipmentRecord(
        external_id=f"s{order.external_id}",
        version=1,
        order_id=known.external_id,
        number=f"OUT{order.pk:05}",
        carrier="PostNL",
        tracking=tracking,
        tracking_url=f"https://tracking.example/{tracking}",
        shipped_at=timezone.now() - timedelta(minutes=12),
        lines=[ShipmentLine(sku=line["sku"], quantity=line["quantity"]) for line in order.data["lines"]],
    )
    store(connection, "shipment", [written(Found(record, {"id": record.external_id}))], timezone.now())
    row = Shipment.objects.get(origin=connection, external_id=record.external_id)
    note("shipment", [(row.pk, f"Came in from {connection}: PostNL {tracking}.", None)], timezone.now())
    return row
