"""Questions about flows, and switching them."""

from __future__ import annotations

from django.db.models import QuerySet

from portal.connections.models import Connection
from portal.sync.models import Flow, Job

ACTIVE = (Flow.State.REHEARSAL, Flow.State.LIVE, Flow.State.PAUSED)
"""States in which a flow's source is read and its operations are computed."""


def active_flows(connection: Connection, kind: str) -> QuerySet[Flow]:
    """The flows that carry this kind of record away from this connection."""
    return Flow.objects.filter(source=connection, kind=kind, state__in=ACTIVE).select_related(
        "source", "target"
    )


def masters() -> QuerySet[Connection]:
    """The connections that say which products and locations there are.

    Those are the sources of stock flows; where no stock flows at all, the targets of the orders.
    """
    active = Flow.objects.filter(state__in=ACTIVE)
    stock = active.filter(kind=Flow.Kind.STOCK)
    if stock.exists():
        return Connection.objects.filter(pk__in=stock.values("source"))
    return Connection.objects.filter(pk__in=active.filter(kind=Flow.Kind.ORDER).values("target"))


def is_master(connection: Connection) -> bool:
    return masters().filter(pk=connection.pk).exists()


def master_was_read(kind: str) -> bool:
    """Whether every master's products (or locations) were read to their end at least once."""
    reading = Job.objects.filter(connection__in=masters(), name=f"pull:{kind}", enabled=True)
    return reading.exists() and not reading.filter(last_began_at=None).exists()
