"""Stock: what each channel ought to show, and the operations that make it so.

What a channel ought to show is the source's figure, plus what is in flight towards the source, minus the
flow's buffer, never below zero. It is written absolutely, with the figure we believe the channel shows now
as the condition; a channel that shows another is *doubted*: its orders are read first, then it is tried
again. So a sale we have not heard of is never overwritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F, Max, Min
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.selectors import ids_at, records_of
from portal.plugins.manager import connector_class
from portal.records.digest import digest
from portal.records.models import StockLevel
from portal.sdk import Found, Promise
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.cases import operation_subject, settle_subjects
from portal.sync.doors import ring_delivery, ring_pulls
from portal.sync.effects import Place, in_flight
from portal.sync.flows import ACTIVE, active_flows
from portal.sync.models import Effect, Flow, Job, Operation

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
    StockLevel.objects.bulk_create(new)
    StockLevel.objects.bulk_update(changed, ["available", "version", "observed_at", "doubted_since"])
    StockLevel.objects.bulk_update(doubted, ["observed_at", "doubted_since"])
    StockLevel.objects.filter(pk__in=same).update(observed_at=began)
    counts.update(new=len(new), changed=len(changed), unchanged=len(same) + len(doubted))
    if channel and (new or changed or doubted):
        ring_pulls(connection, READS_FIRST)
    route_places(connection, read, timezone.now())
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


def route_places(source: Connection, places: Iterable[Place], now: datetime) -> None:
    """Bring every channel fed by ``source`` to what it ought to show at these places.

    One at a time for each source, held by a lock on its row.
    """
    wanted = set(places)
    flows = [flow for flow in active_flows(source, Flow.Kind.STOCK) if flow.state != Flow.State.REHEARSAL]
    if not wanted or not flows:
        return
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=source.pk)
        levels = _levels(source, wanted)
        flight = in_flight(list(levels.values()))
        for flow in flows:
            _route_flow(flow, levels, flight, now)


def after_round(connection: Connection, since: datetime | None, now: datetime) -> None:
    """A round of ``pull:stock`` is complete: what operations did since the last one is in the figures now."""
    shown = Effect.objects.filter(operation__connection=connection, operation__state=Operation.State.DONE)
    if since is not None:
        shown = shown.filter(operation__finished_at__gte=since)
    route_places(connection, shown.values_list("product_id", "location_id"), now)


def _levels(connection: Connection, places: set[Place]) -> dict[Place, StockLevel]:
    found = StockLevel.objects.filter(
        connection=connection, product__in={product for product, _ in places}
    ).select_related("product", "location")
    return {
        (level.product_id, level.location_id): level
        for level in found
        if (level.product_id, level.location_id) in places
    }


def _route_flow(
    flow: Flow, levels: dict[Place, StockLevel], flight: dict[Place, Decimal], now: datetime
) -> None:
    target = flow.target
    rows = {key for place in levels for key in place}
    here = ids_at(flow.source, ("product", "location"), rows)
    there = ids_at(target, ("product", "location"), rows)
    channels = _channel_levels(flow, levels, now)
    history = _history(flow, [channel.pk for channel in channels.values()])
    promise: Promise = connector_class(target.connector).promises.get(Flow.Kind.STOCK, Promise.NOTHING)
    wanted, settled = [], []
    for place, channel in channels.items():
        past = history.get(channel.pk, Past())
        product, location = ("product", place[0]), ("location", place[1])
        tied = {product, location} <= here.keys() & there.keys()
        if channel.doubted_since is not None or not tied or past.under_way:
            continue
        free = levels[place].available + flight.get(place, Decimal(0)) - flow.buffer
        record = StockRecord(
            external_id=f"{here[product]}@{here[location]}",
            version=levels[place].version,
            product_id=here[product],
            sku=levels[place].product.sku,
            location_id=here[location],
            available=max(free, Decimal(0)),
            expected=channel.available,
        )
        intent = digest(record.model_dump(mode="json", include={"available", "expected"}))
        if record.available == record.expected:
            settled.append(channel.pk)
        elif intent != past.waiting:
            wanted.append(
                Operation(
                    flow=flow,
                    connection=target,
                    kind=Flow.Kind.STOCK,
                    record_id=channel.pk,
                    label=f"{record.sku} at {channel.location}",
                    aggregate=f"stock:{channel.pk}",
                    op_key=f"stock:{flow.source.slug}:{record.external_id}:{past.intent + 1}",
                    intent=past.intent + 1,
                    intent_digest=intent,
                    payload=record.model_dump(mode="json"),
                    promise=promise.value,
                    due_at=now,
                )
            )
    _supersede(flow, [*settled, *(operation.record_id for operation in wanted)], now)
    Operation.objects.bulk_create(wanted)
    if wanted:
        ring_delivery(target)


@dataclass(frozen=True, slots=True)
class Past:
    """What was intended for a level before: the newest number, what still waits, whether one is being sent."""

    intent: int = 0
    waiting: str = ""
    under_way: bool = False


def _channel_levels(flow: Flow, levels: dict[Place, StockLevel], now: datetime) -> dict[Place, StockLevel]:
    """The channel's own figures. A channel whose figures cannot be read is believed to show nothing yet."""
    channels = _levels(flow.target, set(levels))
    if not issubclass(connector_class(flow.target.connector), PullsStock):
        blind = [
            StockLevel(
                connection=flow.target,
                product_id=place[0],
                location_id=place[1],
                available=Decimal(0),
                observed_at=now,
            )
            for place in levels
            if place not in channels
        ]
        StockLevel.objects.bulk_create(blind)
        channels |= {(level.product_id, level.location_id): level for level in blind}
    return channels


def _history(flow: Flow, level_ids: list[int]) -> dict[int, Past]:
    operations = Operation.objects.filter(
        kind=Flow.Kind.STOCK, connection=flow.target, record_id__in=level_ids
    )
    numbers = operations.values("record_id").annotate(newest=Max("intent"))
    past = {row["record_id"]: Past(row["newest"]) for row in numbers}
    still = operations.filter(state__in=Operation.OPEN).order_by("pk")
    for record_id, state, waiting in still.values_list("record_id", "state", "intent_digest"):
        past[record_id] = Past(past[record_id].intent, waiting, state not in Operation.WAITING)
    return past


def _supersede(flow: Flow, level_ids: list[int], now: datetime) -> None:
    """What waits for these levels is replaced, or no longer needed."""
    if not level_ids:
        return
    replaced = Operation.objects.filter(
        kind=Flow.Kind.STOCK,
        connection=flow.target,
        record_id__in=level_ids,
        state__in=Operation.WAITING,
    )
    subjects = [operation_subject(pk) for pk in replaced.values_list("pk", flat=True)]
    if subjects:
        replaced.update(
            state=Operation.State.CANCELLED,
            cause="superseded",
            message="A newer figure replaced it before it was sent.",
            finished_at=now,
        )
        settle_subjects(subjects, now)


def wrote(operations: Sequence[Operation], now: datetime) -> None:
    """Receipts of stock operations: the channels show what was written, moved by sales heard of since."""
    written = {operation.record_id: operation.payload for operation in operations}
    levels = list(StockLevel.objects.filter(pk__in=list(written)))
    for level in levels:
        payload = written[level.pk]
        # In the database, where a sale may be moving it at this moment.
        level.available = F("available") + Decimal(payload["available"]) - Decimal(payload["expected"] or 0)
    StockLevel.objects.bulk_update(levels, ["available"])
    by_source: dict[Connection, set[Place]] = {}
    places = {level.pk: (level.product_id, level.location_id) for level in levels}
    for operation in operations:
        if operation.record_id in places:
            by_source.setdefault(operation.flow.source, set()).add(places[operation.record_id])
    for source, touched in by_source.items():
        route_places(source, touched, now)


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
    if issubclass(connector_class(connection.connector), PullsStock):
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
