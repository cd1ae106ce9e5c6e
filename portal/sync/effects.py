"""What operations will do to the target's stock, from the order or refund they carry."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, Q

from portal.connections.models import Connection
from portal.connections.selectors import records_of
from portal.records.models import StockLevel
from portal.records.rows import append
from portal.records.selectors import products_of
from portal.sync.models import Effect, Job, Operation

Place = tuple[int, int]
"""(product, location), our primary keys."""


@dataclass(frozen=True, slots=True)
class Change:
    """An operation with the state it starts from (None: nothing was sent before)."""

    operation: Operation
    before: Mapping[str, Any] | None


def quantities(kind: str, data: Mapping[str, Any] | None) -> Counter[tuple[str, str]]:
    """What a record does to the stock: (SKU, location id at its source) → pieces, negative for sold."""
    moved: Counter[tuple[str, str]] = Counter()
    if data is None or data.get("state") == "cancelled":
        return moved
    if kind == "order":
        for line in data["lines"]:
            moved[line["sku"], data["location"]] -= Decimal(line["quantity"])  # type: ignore[assignment]
    elif kind == "refund":
        for line in data["lines"]:
            if line["restock_to"]:
                moved[line["sku"], line["restock_to"]] += Decimal(line["quantity"])  # type: ignore[assignment]
    return moved


def write_effects(
    source: Connection, changes: Sequence[Change], *, known: Collection[tuple[int, int, int]] = ()
) -> set[Place]:
    """Store the effects of operations; returns the places they touch. A constant number of queries.

    ``known`` are the (operation, product, location) whose effect is stored already.
    """
    moved: dict[int, Counter[tuple[str, str]]] = {}
    for change in changes:
        kind = change.operation.kind
        difference = quantities(kind, change.operation.payload)
        difference.subtract(quantities(kind, change.before))
        moved[change.operation.pk] = difference
    keys = {key for difference in moved.values() for key, quantity in difference.items() if quantity}
    products = products_of({sku for sku, _ in keys})
    locations = records_of(source, "location", {location for _, location in keys})
    effects = [
        {
            "operation_id": operation_id,
            "product_id": products[sku],
            "location_id": locations[location],
            "quantity": quantity,
        }
        for operation_id, difference in moved.items()
        for (sku, location), quantity in difference.items()
        if quantity and sku in products and location in locations
        if (operation_id, products[sku], locations[location]) not in known
    ]
    append(Effect, effects)
    return _expect(source, effects, Decimal(1))


def take_back(source: Connection, replaced: Collection[Operation]) -> set[Place]:
    """Operations were replaced before they were sent: what was expected of them is not any more."""
    if not replaced:
        return set()
    return _expect(source, Effect.objects.filter(operation__in=replaced).values(), Decimal(-1))


def _expect(source: Connection, effects: Iterable[Mapping[str, Any]], sign: Decimal) -> set[Place]:
    """The source booked its own sale already: the figure we believe it shows moves with it."""
    moved: dict[Place, Decimal] = defaultdict(Decimal)
    for effect in effects:
        moved[effect["product_id"], effect["location_id"]] += sign * effect["quantity"]
    levels = [
        level
        for level in StockLevel.objects.order_by().filter(
            connection=source, doubted_since=None, product_id__one_of={product for product, _ in moved}
        )
        if moved.get((level.product_id, level.location_id))
    ]
    for level in levels:
        # In the database, where a receipt may be moving it at this moment.
        level.available = F("available") + moved[level.product_id, level.location_id]
    StockLevel.objects.bulk_update(levels, ["available"])
    return set(moved)


def in_flight(levels: Sequence[StockLevel]) -> dict[Place, Decimal]:
    """For levels of one connection: what operations towards it will still do to each, beyond its figure.

    An operation counts while it is open, and after that until the figure was read anew. A complete round
    of ``pull:stock`` is such a reading of every figure: what it did not bring has not changed.
    """
    if not levels:
        return {}
    read = Job.objects.filter(connection=levels[0].connection_id, name="pull:stock", enabled=True)
    round_began = read.values_list("last_began_at", flat=True).first()
    observed = {
        (level.product_id, level.location_id): max(level.observed_at, round_began or level.observed_at)
        for level in levels
    }
    effects = (
        Effect.objects.filter(
            operation__connection=levels[0].connection_id,
            product__in={level.product_id for level in levels},
            location__in={level.location_id for level in levels},
        )
        .exclude(operation__state=Operation.State.CANCELLED)
        .filter(
            ~Q(operation__state=Operation.State.DONE) | Q(operation__finished_at__gte=min(observed.values()))
        )
        .values_list("product_id", "location_id", "quantity", "operation__state", "operation__finished_at")
    )
    total: dict[Place, Decimal] = defaultdict(Decimal)
    for product, location, quantity, state, finished_at in effects:
        place = (product, location)
        if place in observed and not _shown(state, finished_at, observed[place]):
            total[place] += quantity
    return total


def _shown(state: str, finished_at: datetime | None, observed_at: datetime) -> bool:
    """Whether the target's figure, read from ``observed_at`` on, already has the operation in it."""
    return state == Operation.State.DONE and finished_at is not None and finished_at < observed_at
