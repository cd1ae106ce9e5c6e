"""Stock: what each channel ought to show, and the operations that make it so.

What a channel ought to show is the source's figure, plus what is in flight towards the source, minus the
flow's buffer, never below zero. It is written absolutely, with the figure we believe the channel shows now
as the condition; a channel that shows another is *doubted*: its orders are read first, then it is tried
again. So a sale we have not heard of is never overwritten.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Max

from portal.connections.models import Connection
from portal.connections.selectors import ids_at
from portal.plugins.manager import lacks, promise_of
from portal.records.digest import digest
from portal.records.models import Location, Product, StockLevel
from portal.records.rows import insert
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.cases import operation_subject, settle_subjects
from portal.sync.choices import offers
from portal.sync.clock import db_now
from portal.sync.differences import AT_ONCE, of_channel
from portal.sync.doors import ring_delivery
from portal.sync.effects import Place, in_flight
from portal.sync.flows import active_flows
from portal.sync.models import Effect, Flow, Operation
from portal.sync.quarantine import era


def route_places(source: Connection, places: Iterable[Place], now: datetime) -> None:
    """Bring every channel fed by ``source`` to what it ought to show at these places.

    One at a time for each source, held by a lock on its row.
    """
    wanted = sorted(set(places))
    flows = _routed(source) if wanted else []
    if not flows:
        return
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=source.pk)
        ending = era()
        for start in range(0, len(wanted), AT_ONCE):
            levels = _levels(source, wanted[start : start + AT_ONCE])
            flight = in_flight(list(levels.values()))
            for flow in flows:
                _route_flow(flow, levels, flight, ending, now)


def route_differences(source: Connection) -> Iterator[None]:
    """Compare every channel fed by ``source`` with what it ought to show, and route what differs.

    Yields after each thousand, which are a transaction of their own.
    """
    for flow in _routed(source):
        for places in of_channel(flow):
            route_places(source, places, db_now())
            yield
    moved = Effect.objects.filter(operation__connection=source, operation__state__in=Operation.OPEN)
    route_places(source, moved.values_list("product_id", "location_id"), db_now())


def _routed(source: Connection) -> list[Flow]:
    return [flow for flow in active_flows(source, Flow.Kind.STOCK) if flow.state != Flow.State.REHEARSAL]


def _levels(connection: Connection, places: Collection[Place]) -> dict[Place, StockLevel]:
    found = StockLevel.objects.order_by().filter(
        connection=connection,
        product__in={product for product, _ in places},
        location__in={location for _, location in places},
    )
    levels = {(level.product_id, level.location_id): level for level in found}
    return {place: levels[place] for place in places if place in levels}


def _route_flow(
    flow: Flow, levels: dict[Place, StockLevel], flight: dict[Place, Decimal], ending: str, now: datetime
) -> None:
    target = flow.target
    rows = {key for place in levels for key in place}
    here = ids_at(flow.source, ("product", "location"), rows)
    tied = here.keys() & ids_at(target, ("product", "location"), rows).keys()
    channels = _channel_levels(flow, levels, now)
    history = _history(flow, [channel.pk for channel in channels.values()])
    names = _names(levels)
    promise = promise_of(target.connector, Flow.Kind.STOCK)
    figures: list[tuple[StockLevel, Past, StockRecord]] = []
    for place, channel in channels.items():
        past = history.get(channel.pk, Past())
        product, location = ("product", place[0]), ("location", place[1])
        if channel.doubted_since is not None or past.under_way or not {product, location} <= tied:
            continue
        free = levels[place].available + flight.get(place, Decimal(0)) - flow.buffer
        record = StockRecord(
            external_id=f"{here[product]}@{here[location]}",
            version=levels[place].version,
            product_id=here[product],
            sku=names[product],
            location_id=here[location],
            available=max(free, Decimal(0)),
            expected=channel.available,
        )
        figures.append((channel, past, record))
    decided = offers(flow, [record for _, _, record in figures])
    wanted, settled = [], []
    for channel, past, ours in figures:
        offer = decided.get(ours.external_id)
        record = ours if offer is None else ours.model_copy(update={"available": offer})
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
                    label=f"{record.sku} at {names['location', channel.location_id]}",
                    aggregate=f"stock:{channel.pk}",
                    op_key=f"stock:{flow.source.slug}:{record.external_id}:{past.intent + 1}{ending}",
                    intent=past.intent + 1,
                    intent_digest=intent,
                    payload=record.model_dump(mode="json"),
                    promise=promise.value,
                    due_at=now,
                )
            )
    _supersede(flow, [*settled, *(operation.record_id for operation in wanted)], now)
    insert(wanted)
    if wanted:
        ring_delivery(target)


def _names(places: Iterable[Place]) -> dict[tuple[str, int], str]:
    """SKUs and codes by (kind, primary key), without the rest of what is known of products and locations."""
    products, locations = map(set, zip(*places, strict=True)) if places else ((), ())
    skus = Product.objects.filter(pk__in=products).values_list("pk", "sku")
    codes = Location.objects.filter(pk__in=locations).values_list("pk", "code")
    return {("product", pk): sku for pk, sku in skus} | {("location", pk): code for pk, code in codes}


@dataclass(frozen=True, slots=True)
class Past:
    """What was intended for a level before: the newest number, what still waits, whether one is being sent."""

    intent: int = 0
    waiting: str = ""
    under_way: bool = False


def _channel_levels(flow: Flow, levels: dict[Place, StockLevel], now: datetime) -> dict[Place, StockLevel]:
    """The channel's own figures. A channel whose figures cannot be read is believed to show nothing yet."""
    channels = _levels(flow.target, levels)
    if lacks(flow.target.connector, PullsStock):
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
        insert(blind)
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


def wrote(operations: Sequence[Operation]) -> None:
    """Receipts of stock operations: the channels show what was written, moved by sales heard of since."""
    written = {operation.record_id: operation.payload for operation in operations}
    levels = list(StockLevel.objects.order_by().filter(pk__in=list(written)))
    for level in levels:
        payload = written[level.pk]
        # In the database, where a sale may be moving it at this moment.
        level.available = F("available") + Decimal(payload["available"]) - Decimal(payload["expected"] or 0)
    StockLevel.objects.bulk_update(levels, ["available"])


def route_again(operations: Sequence[Operation], now: datetime) -> None:
    """Stock operations are under way no more, and the figures may have changed meanwhile."""
    levels = StockLevel.objects.order_by().filter(pk__in={operation.record_id for operation in operations})
    places = {pk: place for pk, *place in levels.values_list("pk", "product_id", "location_id")}
    by_source: dict[Connection, set[Place]] = {}
    for operation in operations:
        if place := places.get(operation.record_id):
            by_source.setdefault(operation.flow.source, set()).add((place[0], place[1]))
    for source, touched in by_source.items():
        route_places(source, touched, now)
