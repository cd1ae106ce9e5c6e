"""Stock figures as they are read: what the source has, what a channel shows, and which of these to doubt.

A channel's figure that is not the one we believed is *doubted*: the channel's orders are read to their end
before anything is written over it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from django.db.models import Min

from portal.connections.models import Connection
from portal.plugins.manager import lacks
from portal.records import rows
from portal.records.models import StockLevel
from portal.sdk import Found
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.clock import db_now
from portal.sync.differences import of_reading
from portal.sync.doors import ring_pulls
from portal.sync.effects import Place
from portal.sync.flows import ACTIVE
from portal.sync.models import Effect, Flow, Job, Operation
from portal.sync.stock import route_places

READS_FIRST = ("pull:order", "pull:refund")
"""What of a channel has to be read before a doubted figure of it is written."""


def store_levels(connection: Connection, found: Sequence[Found[Any]], *, began: datetime) -> Counter[str]:
    """Store a page of levels as read from ``began`` on; route what they change.

    Of a level that it tells twice the newest version counts, and of one version the last.
    What has not changed is not written: that it was read is known of the whole round, by its end.
    """
    by_version = sorted((item.record for item in found), key=attrgetter("version"))
    records = list({(record.product_id, record.location_id): record for record in by_version}.values())
    channel = Flow.objects.filter(kind=Flow.Kind.STOCK, target=connection, state__in=ACTIVE).exists()
    now = db_now()
    counts: Counter[str] = Counter(untied=0)
    new: list[StockLevel] = []
    differing: dict[int, StockRecord] = {}
    for number, product, location, level_id in of_reading(connection, records):
        if level_id is not None:
            differing[level_id] = records[number]
        elif product is None or location is None:
            counts["untied"] += 1
        else:
            new.append(
                _new_level(connection, (product, location), records[number], began, now if channel else None)
            )
    changed: list[StockLevel] = []
    known: list[StockLevel] = []
    # Locked, so that a doubt that comes meanwhile is not overwritten by what was fetched before it.
    for level in StockLevel.objects.order_by().select_for_update().in_bulk(list(differing)).values():
        record = differing[level.pk]
        if level.available == record.available:
            if level.unknown_since is not None and level.unknown_since <= began:
                known.append(level)
        elif record.version < level.version:
            counts["older"] += 1
        elif began < max(level.observed_at, level.unknown_since or began):
            counts["overtaken"] += 1
        else:
            level.available, level.version = record.available, record.version
            changed.append(level)
    for level in (*changed, *known):
        level.observed_at, level.unknown_since = began, None
        if channel or level.doubted_since is not None:
            # By now at the latest it was read: a sale may be in it that orders read since it began did not tell.
            level.doubted_since = now
    rows.insert(new)
    rows.update(changed, ["available", "version", "observed_at", "doubted_since", "unknown_since"])
    rows.update(known, ["observed_at", "doubted_since", "unknown_since"])
    counts.update(new=len(new), changed=len(changed))
    counts["unchanged"] = len(records) - counts.total()
    if channel and (new or changed or known):
        ring_pulls(connection, READS_FIRST)
    route_places(connection, {(level.product_id, level.location_id) for level in (*new, *changed)}, now)
    return counts


def _new_level(
    connection: Connection,
    place: Place,
    record: StockRecord,
    began: datetime,
    doubted_since: datetime | None,
) -> StockLevel:
    return StockLevel(
        connection=connection,
        product_id=place[0],
        location_id=place[1],
        available=record.available,
        version=record.version,
        observed_at=began,
        doubted_since=doubted_since,
    )


def after_round(connection: Connection, since: datetime | None, now: datetime) -> None:
    """A round of ``pull:stock`` is complete: what operations did since the last one is in the figures now.

    Also in those that it did not bring, or brought unchanged: nothing is noted at them.
    """
    shown = Effect.objects.filter(operation__connection=connection, operation__state=Operation.State.DONE)
    if since is not None:
        shown = shown.filter(operation__finished_at__gte=since)
    route_places(connection, shown.values_list("product_id", "location_id"), now)


def doubt(connection: Connection, level_id: int, current: str, now: datetime) -> None:
    """The channel showed ``current`` where we believed another figure: read its orders before writing.

    Where nobody knows what it shows, the figure is read as well.
    """
    fields: dict[str, Any] = {"doubted_since": now, "unknown_since": None if current else now}
    if current:
        fields |= {"available": Decimal(current), "observed_at": now}
    StockLevel.objects.filter(pk=level_id).update(**fields)
    ring_pulls(connection, READS_FIRST if current else (*READS_FIRST, "check:stock"))


def clear_doubts(connection: Connection, now: datetime) -> int:
    """Trust the doubted figures again that were read since, and the orders after them, to their end."""
    read = Job.objects.filter(connection=connection, name__in=READS_FIRST, enabled=True)
    began = read.aggregate(oldest=Min("last_began_at"))["oldest"]
    doubted = StockLevel.objects.filter(connection=connection, doubted_since__isnull=False)
    if not lacks(connection.connector, PullsStock):
        doubted = doubted.filter(unknown_since=None)
    if read.exists():
        if began is None or read.filter(last_began_at=None).exists():
            return 0
        doubted = doubted.filter(doubted_since__lt=began)
    places = set(doubted.order_by().values_list("product_id", "location_id"))
    if not places:
        return 0
    doubted.update(doubted_since=None, unknown_since=None)
    for flow in Flow.objects.filter(kind=Flow.Kind.STOCK, target=connection, state__in=ACTIVE):
        route_places(flow.source, places, now)
    return len(places)


def read_for_doubts_again(connection: Connection, name: str, *, since: datetime) -> None:
    """A reading that was begun then, broken off and taken up again has answered the rings for what came to be doubted
    meanwhile, and clears none of it: it follows once more."""
    later = StockLevel.objects.filter(connection=connection, doubted_since__gte=since)
    if name in READS_FIRST and later.exists():
        ring_pulls(connection, [name])
