"""Letting go what was held for a missing tie: one fix releases everything that waited for it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from portal.connections.models import Connection
from portal.sync.cases import operation_subject, settle_subjects
from portal.sync.doors import ring_delivery
from portal.sync.effects import Change, write_effects
from portal.sync.facts import note
from portal.sync.models import Operation
from portal.sync.needs import lack, lacking


def release(kind: str, now: datetime) -> int:
    """Try again every operation that was held because some ``kind`` was not tied, and is. Returns how many."""
    return _release(Operation.objects.filter(cause=f"missing-{kind}"), now)


def release_at(connection: Connection, now: datetime) -> int:
    """The same for all that one target's operations lack: what was tied at the very moment they were held."""
    with transaction.atomic():
        return _release(Operation.objects.filter(connection=connection, cause__startswith="missing-"), now)


def _release(held: QuerySet[Operation], now: datetime) -> int:
    held = held.filter(state=Operation.State.HELD)
    if not held.exists():  # as after nearly every chunk
        return 0
    waiting = list(
        held.select_for_update(of=("self",))
        .select_related("flow__source", "connection")
        .prefetch_related("effects")
    )
    lacks = lacking(waiting)
    free = [
        operation
        for operation in waiting
        if (key := lacks[operation.pk]) is None or operation.message != lack(operation, key)
    ]
    if free:
        retry(free, now, why="What it lacked is there now; it is tried again.")
    return len(free)


def retry(operations: list[Operation], now: datetime, *, why: str) -> None:
    """Make operations ready again and settle their cases."""
    ids = [operation.pk for operation in operations]
    Operation.objects.filter(pk__in=ids).update(
        state=Operation.State.READY, due_at=now, cause="", message="", workers_lost=0
    )
    settle_subjects([operation_subject(pk) for pk in ids], now)
    before = _sent_before(operations)
    by_source: dict[Connection, list[Operation]] = {}
    for operation in operations:
        by_source.setdefault(operation.flow.source, []).append(operation)
    for source, group in by_source.items():
        write_effects(
            source,
            [Change(operation, before.get(operation.pk)) for operation in group],
            known={
                (effect.operation_id, effect.product_id, effect.location_id)
                for operation in group
                for effect in operation.effects.all()
            },
        )
        for operation in group:
            note(operation.kind, [(operation.record_id, why, operation.pk)], now)
    for target in {operation.connection for operation in operations}:
        ring_delivery(target)


def _sent_before(operations: list[Operation]) -> dict[int, dict[str, Any]]:
    """For each operation the state it starts from: that of the one before it for the same record."""
    earlier: dict[tuple[int, str, int], list[Operation]] = {}
    for operation in (
        Operation.objects.filter(
            connection__in={operation.connection_id for operation in operations},
            kind__in={operation.kind for operation in operations},
            record_id__in={operation.record_id for operation in operations},
        )
        .exclude(state=Operation.State.CANCELLED)
        .order_by("pk")
    ):
        key = (operation.connection_id, operation.kind, operation.record_id)
        earlier.setdefault(key, []).append(operation)
    found = {}
    for operation in operations:
        past = earlier.get((operation.connection_id, operation.kind, operation.record_id), [])
        for each in past:
            if each.pk < operation.pk:
                found[operation.pk] = each.payload
    return found
