"""Letting go what was held for a missing tie: one fix releases everything that waited for it."""

from __future__ import annotations

from datetime import datetime

from portal.connections.models import Connection
from portal.sync.cases import operation_subject, settle_subjects
from portal.sync.doors import ring_delivery
from portal.sync.effects import Change, write_effects
from portal.sync.facts import note
from portal.sync.models import Operation


def release(kind: str, now: datetime) -> int:
    """Try again every operation that is held because some ``kind`` was not tied. Returns how many."""
    held = list(
        Operation.objects.select_for_update(of=("self",))
        .filter(state=Operation.State.HELD, cause=f"missing-{kind}")
        .select_related("flow__source", "connection")
        .prefetch_related("effects")
    )
    if held:
        retry(held, now, why=f"A missing {kind} is there now; it is tried again.")
    return len(held)


def retry(operations: list[Operation], now: datetime, *, why: str) -> None:
    """Make operations ready again and settle their cases."""
    ids = [operation.pk for operation in operations]
    Operation.objects.filter(pk__in=ids).update(state=Operation.State.READY, due_at=now, cause="", message="")
    settle_subjects([operation_subject(pk) for pk in ids], now)
    by_source: dict[Connection, list[Operation]] = {}
    for operation in operations:
        by_source.setdefault(operation.flow.source, []).append(operation)
    for source, group in by_source.items():
        write_effects(
            source,
            [Change(operation, None) for operation in group if not operation.effects.all()],
        )
        for operation in group:
            note(operation.kind, [(operation.record_id, why, operation.pk)], now)
    for target in {operation.connection for operation in operations}:
        ring_delivery(target)
