"""Stock figures as they are read: what the source has, what a channel shows, and which of these to doubt.

A channel's figure that is not the one we believed is *doubted*: the channel's orders are read to their end
before anything is written over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Min

from portal.connections.models import Connection
from portal.connections.selectors import records_of
from portal.plugins.manager import connector_class_or_none
from portal.records import rows
from portal.records.models import StockLevel
from portal.sdk import Found
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.clock import db_now
from portal.sync.doors import ring_pulls
from portal.sync.effects import Place
from portal.sync.flows import ACTIVE
from portal.sync.models import Effect, Flow, Job, Operation
from portal.sync.stock import route_places

READS_FIRST = ("pull:order", "pull:refund")
"""What of a channel has to be read before a doubted figure of it is written."""


def store_levels(connection: Connection, found: Sequence[Found[Any]], *, began: datetime) -> Counter[str]:
    """Store a page of levels as read from ``began`` on; route what they change."""
    records = {item.record.external_id: item.record for item in found}
    products = records_of(connection, "product", {record.product_id for record in records.values()})
    locations = records_of(connection, "location", {record.location_id for record in records.values()})
    read = {
        (products[record.product_id], locations[record.location_id]): record
        for record in records.values()
        if record.product_id in products and record.location_id in locations
    }
    known = {
        (level.product_id, level.location_id): level
        for level in StockLevel.objects.filter(
            connection=connection, product__in={place[0] for place in read}
        )
    }
    channel = Flow.objects.filter(kind=Flow.Kind.STOCK, target=connection, state__in=ACTIVE).exists()
    counts: Counter[str] = Counter(untied=len(records) - len(read))
    new: list[StockLevel] = []
    changed: list[StockLevel] = []
    same: list[int] = []
    doubted: list[StockLevel] = []
    for place, record in read.items():
        level = known.get(place)
        if level is None:
            new.append(_new_level(connection, place, record, began, doubted=channel))
        elif record.version < level.version:
            counts["older"] += 1
        elif level.available != record.available:
            level.available, level.version, level.observed_at = record.available, record.version, began
            if channel:
                level.doubted_since = max(began, level.doubted_since or began)
            changed.append(level)
        elif level.doubted_since is not None and level.doubted_since <= began:
            level.observed_at = level.doubted_since = began
            doubted.append(level)
        else:
            same.append(level.pk)
    rows.insert(new)
    rows.update(changed, ["available", "version", "observed_at", "doubted_since"])
    rows.update(doubted, ["observed_at", "doubted_since"])
    StockLevel.objects.filter(pk__in=same).update(observed_at=began)
    counts.update(new=len(new), changed=len(changed), unchanged=len(same) + len(doubted))
    if channel and (new or changed or doubted):
        ring_pulls(connection, READS_FIRST)
    route_places(connection, read, db_now())
    return counts


def _new_level(
    connection: Connection, place: Place, record: StockRecord, began: datetime, *, doubted: bool
) -> StockLevel:
    return StockLevel(
        connection=connection,
        product_id=place[0],
        location_id=place[1],
        available=record.available,
        version=record.version,
        observed_at=began,
        doubted_since=began if doubted else None,
    )


def after_round(connection: Connection, since: datetime | None, now: datetime) -> None:
    """A round of ``pull:stock`` is complete: what operations did since the last one is in the figures now."""
    shown = Effect.objects.filter(operation__connection=connection, operation__state=Operation.State.DONE)
    if since is not None:
        shown = shown.filter(operation__finished_at__gte=since)
    route_places(connection, shown.values_list("product_id", "location_id"), now)


def doubt(connection: Connection, level_id: int, current: str, now: datetime) -> None:
    """The channel showed ``current`` where we believed another figure: read its orders before writing.

    Where nobody knows what it shows, the figure is read as well.
    """
    fields: dict[str, Any] = {"doubted_since": now}
    if current:
        fields |= {"available": Decimal(current), "observed_at": now}
    StockLevel.objects.filter(pk=level_id).update(**fields)
    ring_pulls(connection, READS_FIRST if current else (*READS_FIRST, "check:stock"))


def clear_doubts(connection: Connection, now: datetime) -> int:
    """Trust the doubted figures again that were read since, and the orders after them, to their end."""
    read = Job.objects.filter(connection=connection, name__in=READS_FIRST, enabled=True)
    began = read.aggregate(oldest=Min("last_began_at"))["oldest"]
    doubted = StockLevel.objects.filter(connection=connection, doubted_since__isnull=False)
    cls = connector_class_or_none(connection.connector)
    if cls is None or issubclass(cls, PullsStock):
        doubted = doubted.filter(observed_at__gte=F("doubted_since"))
    if read.exists():
        if began is None or read.filter(last_began_at=None).exists():
            return 0
        doubted = doubted.filter(doubted_since__lt=began)
    places = set(doubted.values_list("product_id", "location_id"))
    if not places:
        return 0
    doubted.update(doubted_since=None)
    for flow in Flow.objects.filter(kind=Flow.Kind.STOCK, target=connection, state__in=ACTIVE):
        route_places(flow.source, places, now)
    return len(places)
