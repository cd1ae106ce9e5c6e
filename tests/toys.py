"""A toy shop and a toy ERP that live in memory: connectors whose remotes can be told to fail, with a log of
what was really done to them. And short ways to make records.

The engine is tested against them because nothing else is as fast and as obedient; the real remotes have their
own tests.
"""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict, deque
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portal.sdk import (
    Connector,
    Forged,
    Found,
    Hint,
    Location,
    Money,
    Order,
    OrderLine,
    Page,
    Product,
    Promise,
    ReadAgain,
    Receipt,
    Refund,
    RefundLine,
    Rejected,
    SecretStr,
    Settings,
    Shipment,
    ShipmentLine,
    StockLevel,
    Tax,
    verify_hmac,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Remote:
    """The far side: what it holds, what was done to it, and how it is to behave next."""

    def __init__(self):
        self.lock = threading.RLock()
        self.feed = defaultdict(list)  # kind -> everything its pull tells, oldest first
        self.held = defaultdict(dict)  # kind -> id -> what was pushed
        self.keys = {}  # change key -> receipt
        self.stock = {}  # (product id, location id) -> pieces
        self.effects = []  # (kind, id or place, what), in the order they happened
        self.calls = []  # (method, change key, moment it began), also of calls that failed
        self.scripts = defaultdict(deque)
        self.page_size = 100
        self.cursors = []
        self.busy = self.most_busy = self.closed = 0
        self.booked = {}  # order id -> place -> pieces that it took from the stock
        self.watch = lambda: None

    def then(self, method, *acts):
        """The next calls of ``method`` go to ``acts``, each of which is given what would have been done."""
        self.scripts[method].extend(acts)

    def call(self, method, key, act):
        with self.lock:
            self.calls.append((method, key))
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            script = self.scripts[method].popleft() if self.scripts[method] else None
        try:
            self.watch()
            return script(act) if script else act()
        finally:
            with self.lock:
                self.busy -= 1

    def did(self, kind):
        return [effect[1:] for effect in self.effects if effect[0] == kind]


def fails(error):
    """A call that raises before anything was done."""

    def act(_):
        raise error

    return act


def loses(error):
    """A call whose answer is lost after everything was done."""

    def act(do):
        do()
        raise error

    return act


class Toy(Connector):
    """What both toys have. The settings name the remote in ``Toy.remotes``."""

    class Settings(Settings):
        name: str
        token: SecretStr

    remotes = defaultdict(Remote)

    def __init__(self, settings):
        super().__init__(settings)
        self.remote = Toy.remotes[settings.name]

    def check(self):
        return self.remote.call("check", "", lambda: f"Toy {self.settings.name}")

    def close(self):
        self.remote.closed += 1

    def _pull(self, kind, cursor):
        remote = self.remote
        remote.cursors.append((kind, cursor))
        told = remote.feed[kind]
        at = int(cursor or 0)
        while True:
            items = remote.call(f"pull_{kind}", cursor, lambda at=at: told[at : at + remote.page_size])
            at += len(items)
            yield page(*items, cursor=str(at))
            if len(items) < remote.page_size:
                return

    def pull_location(self, cursor):
        return self._pull("location", cursor)

    def pull_product(self, cursor):
        return self._pull("product", cursor)

    def pull_stock(self, cursor):
        """Every level, always."""

        def read():
            return [level(sku, place, pieces) for (sku, place), pieces in self.remote.stock.items()]

        self.remote.cursors.append(("stock", cursor))
        yield page(*self.remote.call("pull_stock", cursor, read), cursor="all")

    def _push(self, kind, change, *, once, then=lambda there: None):
        remote = self.remote

        def act():
            with remote.lock:
                if once and change.key in remote.keys:
                    return remote.keys[change.key]
                there = change.remote_id or f"{self.key}-{change.record.external_id}"
                remote.held[kind][there] = change.record
                remote.effects.append((kind, there, getattr(change.record, "state", "")))
                receipt = Receipt(there, "", {"number": f"N{there}"})
                remote.keys[change.key] = receipt
                then(there)
                return receipt

        return remote.call(f"push_{kind}", change.key, act)

    def _find(self, kind, change):
        return self.remote.call(f"find_{kind}", change.key, lambda: self.remote.keys.get(change.key))


class ToyShop(Toy):
    key, title = "toyshop", "Toy shop"
    promises = {"stock": Promise.ABSOLUTE, "shipment": Promise.IDEMPOTENCY_KEY}

    def pull_order(self, cursor):
        return self._pull("order", cursor)

    def pull_refund(self, cursor):
        return self._pull("refund", cursor)

    def fetch_order(self, external_ids):
        def read():
            newest = {item.external_id: item for item in self.remote.feed["order"] if isinstance(item, Order)}
            return [newest[external_id] for external_id in external_ids if external_id in newest]

        return page(*self.remote.call("fetch_order", tuple(external_ids), read))

    def push_stock(self, change):
        record, remote = change.record, self.remote
        place = (change.ref("product", record.sku), change.ref("location", record.location_id))

        def act():
            with remote.lock:
                shown = remote.stock.get(place, Decimal(0))
                if record.expected is not None and shown != record.expected:
                    raise ReadAgain(f"It shows {shown}.", current=str(shown))
                remote.stock[place] = record.available
                remote.effects.append(("stock", place, record.available))
                return Receipt("@".join(place))

        return remote.call("push_stock", change.key, act)

    def push_shipment(self, change):
        change.ref("order", change.record.order_id)
        return self._push("shipment", change, once=True)

    def find_shipment(self, change):
        return self._find("shipment", change)

    def hear(self, webhook, secrets):
        verify_hmac(webhook.body, webhook.headers.get("x-toy", ""), secrets)
        told = json.loads(webhook.body)
        if told.get("topic") == "ping":
            return [Hint("ping", "", "", "ping")]
        if not isinstance(told.get("id"), str):
            raise Forged("The webhook names no object.")
        return [Hint(told["topic"], told["topic"].partition(".")[0], told["id"], told["event"])]

    def subscribe(self, url, secret):
        return self.remote.call("subscribe", url, lambda: f"Toy shop tells {url}.")


class ToyErp(Toy):
    """Its orders can be searched by their key (promise C): a second push makes a second sale."""

    key, title = "toyerp", "Toy ERP"
    promises = {"order": Promise.SEARCHABLE, "refund": Promise.SEARCHABLE}

    def pull_shipment(self, cursor):
        return self._pull("shipment", cursor)

    def push_order(self, change):
        record, taken = change.record, Counter()
        if record.state != "cancelled":
            for line in record.lines:
                place = (change.ref("product", line.sku), change.ref("location", record.location))
                taken[place] += line.quantity
        return self._push("order", change, once=False, then=lambda there: self._book(there, taken))

    def _book(self, there, taken):
        before, stock = self.remote.booked.get(there, {}), self.remote.stock
        for place in {*before, *taken} & stock.keys():
            stock[place] += before.get(place, 0) - taken.get(place, 0)
        self.remote.booked[there] = taken

    def find_order(self, change):
        return self._find("order", change)

    def push_refund(self, change):
        change.ref("order", change.record.order_id)
        return self._push("refund", change, once=False)

    def find_refund(self, change):
        return self._find("refund", change)


# -- records in short --


def page(*items, cursor=""):
    return Page(
        tuple(
            item if isinstance(item, Found) else Found(item, {"id": item.external_id})
            for item in items
            if not isinstance(item, Rejected)
        ),
        cursor,
        tuple(item for item in items if isinstance(item, Rejected)),
    )


def eur(amount):
    return Money(str(amount), "EUR")


def line(sku="SKU-1", quantity=1, price="10.00", *, total=None, tax="1.90"):
    return OrderLine(
        external_id=f"line-{sku}",
        sku=sku,
        title=f"Thing {sku}",
        quantity=Decimal(quantity),
        unit_price=eur(price),
        taxes=(Tax(name="19 %", rate=Decimal(19), amount=eur(tax)),),
        total=eur(total) if total else eur(Decimal(price) * Decimal(quantity)),
    )


def order(number=1, version=1, *lines, total=None, **fields):
    """An order of one EUR 10 line plus tax, unless told otherwise; ``number`` makes its id."""
    lines = lines or (line(),)
    right = sum((each.total.amount + each.taxes[0].amount.amount for each in lines), Decimal(0))
    fields.setdefault("paid", eur(right))
    return Order(
        external_id=f"o{number}",
        version=version,
        number=f"#{number}",
        placed_at=fields.pop("placed_at", NOON),
        currency="EUR",
        location=fields.pop("location", "shop-main"),
        lines=lines,
        total=eur(total) if total else eur(right),
        **fields,
    )


def refund(number=1, order_number=1, amount="11.90", *, version=1, restock_to="", sku="SKU-1", **fields):
    return Refund(
        external_id=f"r{number}",
        version=version,
        order_id=f"o{order_number}",
        number=f"R{number}",
        refunded_at=fields.pop("refunded_at", NOON + timedelta(hours=number)),
        currency="EUR",
        lines=(
            RefundLine(
                order_line=f"line-{sku}",
                sku=sku,
                quantity=Decimal(1),
                total=eur(amount),
                restock_to=restock_to,
            ),
        ),
        total=eur(amount),
        **fields,
    )


def shipment(number=1, order_id="toyerp-o1", **fields):
    return Shipment(
        external_id=f"s{number}",
        version=1,
        order_id=order_id,
        number=f"S{number}",
        carrier="Post",
        tracking=f"T{number}",
        shipped_at=NOON + timedelta(days=1),
        lines=(ShipmentLine(sku="SKU-1", quantity=Decimal(1)),),
        **fields,
    )


def product(sku="SKU-1", external_id=None, version=1, **fields):
    return Product(external_id=external_id or sku, version=version, sku=sku, title=f"Thing {sku}", **fields)


def location(code="MAIN", external_id=None, version=1):
    return Location(external_id=external_id or code, version=version, code=code, name=f"Place {code}")


def level(product_id, location_id, pieces, version=0):
    return StockLevel(
        external_id=f"{product_id}@{location_id}",
        version=version,
        product_id=product_id,
        location_id=location_id,
        available=Decimal(pieces),
    )
