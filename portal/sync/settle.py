"""Storing what came of a chunk of operations: receipts, references, facts and cases, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from portal.connections.models import Connection, Reference
from portal.connections.ties import forget_untied
from portal.records import rows
from portal.records.store import adopt
from portal.sdk import ReadAgain, Receipt
from portal.sync import levels, stock
from portal.sync.cases import open_cases, operation_subject, settle_subjects
from portal.sync.clock import db_now
from portal.sync.decide import Outcome, TiedElsewhere, decide
from portal.sync.health import judge
from portal.sync.models import Attempt, Operation
from portal.sync.notices import announce
from portal.sync.release import release
from portal.sync.telling import tell, troubles

State = Operation.State

TIED = frozenset(Reference.Kind.values)
"""The kinds of records that have an id in the remote."""

DECIDED = (
    "state",
    "due_at",
    "attempts",
    "look_up_first",
    "lease_until",
    "cause",
    "message",
    "remote_id",
    "receipt",
    "finished_at",
)
"""The fields that an outcome changes."""


def settle(connection: Connection, outcomes: Sequence[Outcome]) -> Counter[str]:
    """Store the outcomes whose fence still holds. Constant queries for any number; returns counts by state."""
    if not outcomes:
        return Counter()
    now = db_now()
    with transaction.atomic():
        ours = _not_tied_elsewhere(connection, _ours(outcomes))
        for operation, outcome in ours:
            operation.lease_until = None
            decide(operation, outcome, now)
        rows.update([operation for operation, _ in ours], DECIDED)
        _remember(ours)
        done = [operation for operation, _ in ours if operation.state == State.DONE]
        _tie(connection, done, now)
        announce("on_operation_done", [({"id": operation.pk}, connection.pk) for operation in done], now)
        # What was claimed but once was never set aside by a claim before, and so stands in no case.
        again = [operation for operation in done if operation.fence > 1]
        settle_subjects([operation_subject(operation.pk) for operation in again], now)
        open_cases(connection, [trouble for pair in ours for trouble in troubles(*pair)], now)
        tell(ours, now)
        _follow_stock(connection, ours, now)
    judge(connection, [outcome.result for outcome in outcomes])
    return Counter(operation.state for operation, _ in ours)


def _ours(outcomes: Sequence[Outcome]) -> list[tuple[Operation, Outcome]]:
    """Those whose fence still holds, locked: nobody has claimed or settled them since."""
    locked = dict(
        Operation.objects.select_for_update()
        .filter(
            pk__one_of={outcome.operation.pk for outcome in outcomes},
            state__in=[State.SENDING, State.UNKNOWN],
        )
        .order_by("pk")
        .values_list("pk", "fence")
    )
    return [
        # A copy: what was claimed stays as it was, whatever is decided now.
        (_twin(outcome.operation), outcome)
        for outcome in outcomes
        if locked.get(outcome.operation.pk) == outcome.operation.fence
    ]


def _twin(operation: Operation) -> Operation:
    """What ``copy`` makes of it, without asking Django how to pickle it."""
    twin = Operation.__new__(Operation)
    vars(twin).update(vars(operation))
    return twin


def _not_tied_elsewhere(
    connection: Connection, ours: list[tuple[Operation, Outcome]]
) -> list[tuple[Operation, Outcome]]:
    """A receipt with an id that belongs to another record is none: two of ours would be one there."""
    told = [
        (operation, outcome.result.remote_id)
        for operation, outcome in ours
        if isinstance(outcome.result, Receipt) and operation.kind in TIED
    ]
    tied = Reference.objects.filter(
        connection=connection,
        kind__in={operation.kind for operation, _ in told},
        external_id__one_of={remote_id for _, remote_id in told},
        state=Reference.State.CONFIRMED,
    ).order_by()
    owners = {
        (kind, remote_id): (record, label)
        for kind, remote_id, record, label in tied.values_list("kind", "external_id", "record_id", "label")
    }
    elsewhere = {}
    for operation, remote_id in told:
        record, label = owners.setdefault((operation.kind, remote_id), (operation.record_id, operation.label))
        if record != operation.record_id:
            elsewhere[operation.pk] = TiedElsewhere(
                remote_id, f"another {operation.kind}, {label or remote_id}"
            )
    return [
        (
            operation,
            replace(outcome, result=elsewhere[operation.pk]) if operation.pk in elsewhere else outcome,
        )
        for operation, outcome in ours
    ]


def _remember(ours: Sequence[tuple[Operation, Outcome]]) -> None:
    rows.append(
        Attempt,
        [
            {
                "operation_id": operation.pk,
                "number": operation.attempts,
                "started_at": outcome.started,
                "milliseconds": outcome.milliseconds,
                "outcome": operation.state,
                "message": operation.message,
            }
            for operation, outcome in ours
            if outcome.started is not None
        ],
    )


def _tie(connection: Connection, done: Sequence[Operation], now: datetime) -> None:
    """Reference what the remote now has, and let go what waited for it."""
    told = {
        (operation.kind, operation.record_id): operation
        for operation in done
        if operation.remote_id and operation.kind in TIED
    }
    if not told:
        return
    known = Reference.objects.filter(
        connection=connection,
        kind__in={kind for kind, _ in told},
        record_id__one_of={record for _, record in told},
        state=Reference.State.CONFIRMED,
    ).order_by()
    moved = []
    for reference in known:
        operation = told.pop((reference.kind, reference.record_id), None)  # type: ignore[arg-type]
        if operation is not None and reference.external_id != operation.remote_id:
            reference.external_id = operation.remote_id
            moved.append(reference)
    new = [
        {
            "connection_id": connection.pk,
            "kind": kind,
            "external_id": operation.remote_id,
            "label": str(operation.receipt.get("number", ""))[:200] or operation.label,
            "record_id": record,
        }
        for (kind, record), operation in told.items()
    ]
    tied = [(reference.kind, reference.external_id) for reference in moved]
    forget_untied(
        connection, [*tied, *((kind, operation.remote_id) for (kind, _), operation in told.items())]
    )
    rows.update(moved, ["external_id"])
    rows.append(Reference, new, ignore_conflicts=True)
    orders = {operation.remote_id: record for (kind, record), operation in told.items() if kind == "order"}
    if orders:
        adopt(connection, orders)
        release("order", now)


def _follow_stock(connection: Connection, ours: Sequence[tuple[Operation, Outcome]], now: datetime) -> None:
    """Written figures become what we believe; refused ones are doubted. What waits is still what is wanted, or newer."""
    figures = [(operation, outcome) for operation, outcome in ours if operation.kind == "stock"]
    stock.wrote([operation for operation, _ in figures if operation.state == State.DONE])
    for operation, outcome in figures:
        if isinstance(outcome.result, ReadAgain):
            levels.doubt(connection, operation.record_id, outcome.result.current, now)
    if figures:
        stock.route_again([operation for operation, _ in figures], now)
