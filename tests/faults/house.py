"""A company for a row to work in: connections to the witness's rooms, flows between them, and waiting for quiet."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.db.models import QuerySet
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.records.identity import identify
from portal.records.written import written
from portal.sdk import Found, Location, Product
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Flow, Operation
from portal.sync.tasks import answer
from tests.faults.remote import Witness

SKU, PLACE = "SKU-1", "MAIN"
"""The one product and the one place that every room knows under these very ids."""


def connect(witness: Witness, connector: str, slug: str, **fields: object) -> Connection:
    """A connection to the witness's room ``slug``; ``fields`` are the room's (see ``Witness.room``)."""
    url = witness.room(slug, **fields)
    return save_connection(Connection(slug=slug, name=slug, connector=connector), {"url": url})


def flow(kind: str, source: Connection, target: Connection, *, every: int = 1) -> Flow:
    """A live flow whose source is read every so many seconds."""
    return Flow.objects.create(kind=kind, source=source, target=target, state=Flow.State.LIVE, every=every)


def company(witness: Witness, **erp_room: object) -> tuple[Connection, Connection]:
    """A shop and an ERP (promise C) with live flows for orders, refunds, stock and shipments, tied and read once.

    Nothing is read by itself within the hour: the row says when.
    """
    shop = connect(witness, "faultshop", "shop", promise="A")
    erp = connect(witness, "faulterp", "erp", promise="C", **erp_room)
    for room in ("shop", "erp"):
        stock_a_room(witness, room, 1000)
    for kind in ("order", "refund"):
        flow(kind, shop, erp, every=3600)
    for kind in ("stock", "shipment"):
        flow(kind, erp, shop, every=3600)
    ensure_jobs()
    for connection in (erp, shop):
        for kind in ("location", "product"):
            turn(connection, f"pull:{kind}")
        turn(connection, "check:stock")
    return shop, erp


def tie(*connections: Connection) -> None:
    """The one product and the one place are known at these connections, as if they had been read."""
    for each in connections:
        for kind, record in (
            ("product", Product(external_id=SKU, version=1, sku=SKU)),
            ("location", Location(external_id=PLACE, version=1, code=PLACE)),
        ):
            identify(each, kind, [written(Found(record))], master=True, sure=True, now=timezone.now())


def stock_a_room(witness: Witness, room: str, pieces: int) -> None:
    witness.tell(room, [Location(external_id=PLACE, version=1, code=PLACE)])
    witness.tell(room, [Product(external_id=SKU, version=1, sku=SKU)])
    witness.move_stock(room, {f"{SKU}@{PLACE}": pieces})


def turn(connection: Connection, name: str) -> str:
    """One job's turn, now, in this process; what it said."""
    job = connection.jobs.get(name=name)
    type(job).objects.filter(pk=job.pk).update(due_at=job.due_at.replace(year=2020))
    return answer(job.pk)


def busy() -> int:
    """How many operations the portal still has to send, or to ask about, by itself."""
    return unfinished().count()


def unfinished() -> QuerySet[Operation]:
    """Those operations."""
    waiting = [
        state for state in Operation.OPEN if state not in (Operation.State.HELD, Operation.State.REVIEW)
    ]
    return Operation.objects.filter(state__in=waiting)


def wait_until(true: Callable[[], object], seconds: float, *, pause: float = 0.1) -> bool:
    """Whether it became true within so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
