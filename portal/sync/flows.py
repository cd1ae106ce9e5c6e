"""Questions about flows, and switching them."""

from __future__ import annotations

from django.db.models import QuerySet

from portal.connections.models import Connection
from portal.sync.models import Flow

ACTIVE = (Flow.State.REHEARSAL, Flow.State.LIVE, Flow.State.PAUSED)
"""States in which a flow's source is read and its operations are computed."""


def active_flows(connection: Connection, kind: str) -> QuerySet[Flow]:
    """The flows that carry this kind of record away from this connection."""
    return Flow.objects.filter(source=connection, kind=kind, state__in=ACTIVE).select_related(
        "source", "target"
    )


def is_master(connection: Connection) -> bool:
    """Whether this connection says which products and locations there are.

    That is the source of a stock flow; where no stock flows at all, the target of the orders.
    """
    stock = Flow.objects.filter(kind=Flow.Kind.STOCK, state__in=ACTIVE)
    if stock.exists():
        return stock.filter(source=connection).exists()
    return Flow.objects.filter(kind=Flow.Kind.ORDER, state__in=ACTIVE, target=connection).exists()
