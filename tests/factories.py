"""Rows to look at: plain functions that put a believable company into the database, nothing is sent anywhere.

`world()` makes all of it; the smaller functions make one thing each.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

from django.contrib.auth.models import Group, User
from django.utils import timezone

from portal.connections.models import Connection, Reference
from portal.records.identity import identify
from portal.records.models import Location, Order, Product, Refund, Shipment, StockLevel
from portal.records.store import store
from portal.records.trouble import Trouble
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
from portal.sync.cases import open_cases, operation_subject
from portal.sync.facts import note
from portal.sync.models import Attempt, Beat, Case, Effect, Event, Flow, Job, Operation, Run

State = Operation.State

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


def user(name="staff", *roles, superuser=False, password="password"):
    made = User.objects.create_user(
        name, f"{name}@example.com", password, is_staff=True, is_superuser=superuser
    )
    made.groups.set(Group.objects.filter(name__in=roles))
    return made


def shop(slug="shop", **more):
    values = {
        "connector": "demoshop",
        "name": "Demo shop",
        "settings": {"url": "http://127.0.0.1:8001"},
        "credentials": {"token": "shop-token"},
        "health_text": "Kiosk & Co, sells in EUR, GBP.",
    }
    return connection(slug, **{**values, **more})


def erp(slug="erp", **more):
    values = {
        "connector": "tryton",
        "name": "Tryton",
        "settings": {"url": "http://127.0.0.1:8002", "database": "demo", "web_shop": "Demo shop"},
        "credentials": {"key": "erp-key"},
        "health_text": "Kiosk & Co, warehouses WH1, WH2",
    }
    return connection(slug, **{**values, **more})


def connection(slug, **values):
    since = timezone.now() - timedelta(hours=31)
    return Connection.objects.create(slug=slug, **{"health": "good", "health_since": since, **values})


def flow(kind, source, target, state=Flow.State.LIVE):
    return Flow.objects.create(kind=kind, source=source, target=target, state=state)


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
    identify(master, "product", found, master=True, sure=True, now=now)
    identify(master, "location", places, master=True, sure=True, now=now)
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
    store(connection, "order", found, timezone.now())
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
    store(order.origin, "refund", [Found(record, {"id": record.external_id})], timezone.now())
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
    store(connection, "shipment", [Found(record, {"id": record.external_id})], timezone.now())
    row = Shipment.objects.get(origin=connection, external_id=record.external_id)
    note("shipment", [(row.pk, f"Came in from {connection}: PostNL {tracking}.", None)], timezone.now())
    return row


OUTCOMES = {
    State.READY: {},
    State.SENDING: {"attempts": 1, "worker": "web1:4711"},
    State.RETRY_WAIT: {
        "attempts": 3,
        "message": "Tryton asks to wait: too many requests.",
        "cause": "retry-later",
    },
    State.UNKNOWN: {
        "attempts": 1,
        "message": "The connection was reset after sending.",
        "cause": "outcome-unknown",
    },
    State.HELD: {
        "cause": "missing-product",
        "message": "The product 'MUG-XL' is not tied to anything in Tryton.",
    },
    State.REVIEW: {
        "attempts": 2,
        "cause": "outcome-unknown",
        "message": "Nobody can tell whether it arrived.",
    },
    State.DONE: {"attempts": 1, "remote_id": "4242", "receipt": {"number": "S00042"}},
    State.DEAD: {"attempts": 12, "cause": "gave-up", "message": "Twelve attempts failed: server error 500."},
    State.CANCELLED: {"cause": "superseded", "message": "A newer change of the same record replaced it."},
}


def operation(route, record, state=State.READY, intent=1, **more):
    """One operation that carries the record over the flow, with the attempts that its state tells of."""
    now = timezone.now()
    values = {
        "flow": route,
        "connection": route.target,
        "kind": route.kind,
        "record_id": record.pk,
        "label": str(record),
        "aggregate": f"{route.kind}:{record.pk}",
        "op_key": f"{route.kind}:{route.source.slug}:{getattr(record, 'external_id', record.pk)}:{intent}",
        "intent": intent,
        "intent_digest": "0" * 64,
        "payload": getattr(record, "data", {}),
        "promise": "B",
        "due_at": now,
        "finished_at": now - timedelta(minutes=3) if state in (State.DONE, State.CANCELLED) else None,
        "lease_until": now + timedelta(seconds=40) if state == State.SENDING else None,
    }
    made = Operation.objects.create(state=state, **{**values, **OUTCOMES[state], **more})
    Operation.objects.filter(pk=made.pk).update(created_at=now - timedelta(minutes=4 + record.pk % 9))
    Attempt.objects.bulk_create(
        Attempt(
            operation=made,
            number=number + 1,
            started_at=now - timedelta(minutes=5 - number % 5),
            milliseconds=180 + 40 * number,
            outcome="done" if state == State.DONE else state,
            message=made.message,
        )
        for number in range(made.attempts)
    )
    if state == State.DONE and route.kind in Reference.Kind.values:
        there = {"external_id": f"{4000 + made.pk}", "label": f"S{made.pk:05}"}
        Reference.objects.get_or_create(
            connection=route.target, kind=route.kind, record_id=record.pk, defaults=there
        )
    said = made.message or {State.DONE: f"Done in {route.target} as {made.remote_id}."}.get(
        state, "To be sent."
    )
    note(route.kind, [(record.pk, said, made.pk)], now)
    return made


def case(connection, cause="missing-product", operations=(), title="", mend=""):
    """An open case over these operations; without any, over an untied product."""
    troubles = [
        Trouble(
            cause=cause,
            key=f"{connection.pk}:{cause}:{title}",
            title=title or f"{connection} needs a person: {cause.replace('-', ' ')}",
            mend=mend or "Create it in Tryton under the same name, or tie it under References.",
            subject=operation_subject(each.pk),
            label=f"{each.kind} {each.label}",
            message=each.message or "Held.",
            operation_id=each.pk,
        )
        for each in operations
    ] or [
        Trouble(
            cause=cause,
            key=f"{connection.pk}:{cause}:{title}",
            title=title or f"{connection} has a product nobody knows",
            mend=mend or "Tie it under References.",
            subject=f"product:{connection.pk}:MUG-XL",
            label="product MUG-XL",
            message="No product of ours has the SKU MUG-XL.",
        )
    ]
    open_cases(connection, troubles, timezone.now() - timedelta(hours=3))
    return Case.objects.get(key=troubles[0].key)


def job(connection, name, **more):
    now = timezone.now()
    values = {
        "due_at": now + timedelta(seconds=20),
        "last_ok_at": now - timedelta(seconds=40),
        "cursor": "2026-11-20T21:14:05Z",
    }
    return Job.objects.create(connection=connection, name=name, **{**values, **more})


def run(of, state=Run.State.DONE, **more):
    now = timezone.now()
    values = {
        "started_at": now - timedelta(minutes=6),
        "finished_at": None if state == Run.State.RUNNING else now - timedelta(minutes=5, seconds=48),
        "counts": {"new": 12, "changed": 3, "unchanged": 85},
    }
    return Run.objects.create(job=of, state=state, **{**values, **more})


def event(connection, number=1, state=Event.State.DONE, body=b""):
    return Event.objects.create(
        connection=connection,
        dedupe_key=f"event-{number}",
        topic="order.created",
        kind="order",
        external_id=f"o{number}",
        headers={"content-type": "application/json", "x-shop-signature": "sha256=abcdef"},
        body=body or b'{"topic": "order.created", "data": {"id": "o%d"}}' % number,
        state=state,
        processed_at=timezone.now() if state == Event.State.DONE else None,
    )


def untied(connection, label="MUG-XL", kind=Reference.Kind.PRODUCT):
    return Reference.objects.create(
        connection=connection, kind=kind, external_id=label, label=label, record_id=None, state="suggested"
    )


def world(number=40):
    """A company in the middle of its day: something of everything, in every state. Returns (shop, erp)."""
    far, near = shop(), erp()
    products(near)
    known_at(far)
    levels(far, near)
    carried = {
        "order": flow("order", far, near),
        "refund": flow("refund", far, near),
        "stock": flow("stock", near, far),
        "shipment": flow("shipment", near, far, Flow.State.PAUSED),
    }
    rows = orders(far, number)
    _send(carried, rows)
    _trouble(far, near)
    _engine(far, near)
    return far, near


def _send(carried, rows):
    states = [State.READY, State.HELD, State.DONE, State.UNKNOWN, State.REVIEW, State.RETRY_WAIT, State.DEAD]
    for at, row in enumerate(rows):
        state = states[at % 7] if at % 3 == 0 else State.DONE
        made = operation(carried["order"], row, state)
        product, location = Product.objects.first(), row.location
        if location is not None:
            Effect.objects.create(operation=made, product=product, location=location, quantity=-2)
        if state == State.DONE and at % 4 == 1:
            operation(
                carried["shipment"], shipment(row, carried["order"].target, f"3SABCD{at:07}"), State.READY
            )
        if state == State.DONE and at % 9 == 2:
            operation(carried["refund"], refund(row), State.DONE)
    level = StockLevel.objects.filter(connection=carried["stock"].target).first()
    operation(carried["stock"], level, State.DONE, promise="D")


def _trouble(far, near):
    held = list(Operation.objects.filter(state=State.HELD))
    case(near, "missing-product", held, title="The product MUG-XL is not tied to anything in Tryton")
    case(
        near,
        "outcome-unknown",
        list(Operation.objects.filter(state=State.REVIEW)),
        title="Orders for Tryton are held: outcome unknown",
        mend="Look in Tryton whether it is there, then mark it done with its id, or try it again.",
    )
    case(far, "unknown-product")
    for label in ("MUG-XL", "TEA POT", "mug-100"):
        untied(far, label)


def _engine(far, near):
    pull = job(far, "pull:order")
    run(pull)
    run(pull, Run.State.RUNNING, total=400)
    job(far, "pull:refund", every=300)
    job(far, "inbox", every=30)
    job(far, "deliver", every=30)
    job(near, "deliver", every=30)
    job(near, "pull:stock")
    job(near, "check:stock", every=900)
    bad = job(near, "pull:shipment", failures=4, last_error="Tryton did not answer within 20 seconds.")
    run(bad, Run.State.FAILED, error="Tryton did not answer within 20 seconds.", counts={})
    for number in range(1, 9):
        event(far, number, Event.State.NEW if number == 8 else Event.State.DONE)
    Beat.objects.create(name="pump", at=timezone.now(), note="web1:4711")
    Beat.objects.create(name="canary", at=timezone.now(), note="1 web1 4711")
