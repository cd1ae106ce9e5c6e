"""Fixtures that set the engine between a toy shop and a toy ERP. ``house`` is the usual company: one product,
one place, tied on both sides, with live flows for orders, refunds, stock and shipments."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.plugins.manager import plugins
from portal.sync.apply import apply_page
from portal.sync.clock import db_now
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Flow, Job, Operation
from portal.sync.tasks import answer
from tests.toys import Toy, ToyErp, ToyShop, location, page, product


@pytest.fixture
def toys(monkeypatch):
    """The installed connectors are the toys, and their remotes are new."""
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": ToyShop, "toyerp": ToyErp})
    monkeypatch.setattr(plugins(), "jobs", list)
    Toy.remotes.clear()
    return monkeypatch


@pytest.fixture
def rings(monkeypatch):
    """What would have been put into the queue: (function, arguments)."""
    sent = []
    monkeypatch.setattr("portal.sync.doors.async_task", lambda name, *args, **_: sent.append((name, args)))
    monkeypatch.setattr("portal.sync.pump.async_task", lambda name, *args, **_: sent.append((name, args)))
    return sent


def connect(connector, slug):
    connection = Connection(slug=slug, name=slug.upper(), connector=connector)
    return save_connection(connection, {"name": slug, "token": f"{slug}-token"})


@pytest.fixture
def shop(db, toys, rings):
    return connect("toyshop", "shop")


@pytest.fixture
def erp(db, toys, rings):
    return connect("toyerp", "erp")


def flow(kind, source, target, **fields):
    fields.setdefault("state", Flow.State.LIVE)
    return Flow.objects.create(kind=kind, source=source, target=target, **fields)


class House:
    """The shop, the ERP, the flows between them, and short ways to make things happen."""

    def __init__(self, shop, erp):
        self.shop, self.erp = shop, erp
        self.flows = SimpleNamespace(
            order=flow("order", shop, erp),
            refund=flow("refund", shop, erp),
            stock=flow("stock", erp, shop),
            shipment=flow("shipment", erp, shop),
        )
        ensure_jobs()
        self.read_master(location("MAIN", "erp-main"), kind="location")
        self.read_master(product("SKU-1", "erp-1"), kind="product")
        self.apply(shop, "location", location("MAIN", "shop-main"))
        self.apply(shop, "product", product("SKU-1", "shop-1"))

    @property
    def shop_remote(self):
        return Toy.remotes["shop"]

    @property
    def erp_remote(self):
        return Toy.remotes["erp"]

    def apply(self, connection, kind, *items, then=None):
        return apply_page(connection, kind, page(*items), began=db_now(), then=then)

    def read_master(self, *items, kind):
        Toy.remotes["erp"].feed[kind].extend(items)
        return self.work(self.erp, f"pull:{kind}")

    def told(self, *orders):
        """The shop tells of orders."""
        return self.apply(self.shop, "order", *orders)

    def work(self, connection, name):
        """One job's turn, now."""
        job = Job.objects.get(connection=connection, name=name)
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now(), lease_until=None)
        return answer(job.pk)

    def deliver(self, connection=None):
        """Everything waiting is due now, and goes out."""
        target = connection or self.erp
        waiting = Operation.objects.filter(connection=target)
        waiting.filter(state__in=["ready", "retry_wait", "unknown"]).update(due_at=timezone.now())
        Connection.objects.filter(pk=target.pk).update(resting_until=None)
        return self.work(target, "deliver")

    def operations(self, kind="order"):
        return list(Operation.objects.filter(kind=kind).order_by("pk"))

    def states(self, kind="order"):
        return [operation.state for operation in self.operations(kind)]


@pytest.fixture
def house(shop, erp):
    return House(shop, erp)
