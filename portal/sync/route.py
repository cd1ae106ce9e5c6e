"""From changed records to operations: which flows carry them, what is intended, what it replaces."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Q

from portal.plugins.asking import Decided, deciders
from portal.plugins.manager import promise_of
from portal.records.rows import insert
from portal.records.trouble import Trouble
from portal.sdk.decisions import Route
from portal.sync.cases import open_cases, operation_subject, settle_subjects
from portal.sync.checks import Fault, faults
from portal.sync.choices import LEFT_OUT, fault_of, left_out, routes
from portal.sync.doors import ring_delivery
from portal.sync.effects import Change, take_back, write_effects
from portal.sync.facts import note
from portal.sync.flows import active_flows
from portal.sync.models import Flow, Operation
from portal.sync.quarantine import forgotten_until
from portal.sync.stock import route_places

State = Operation.State


def intended(kind: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """What of a record a target has to follow: not its version, nor how far the source says it is."""
    kept = {name: value for name, value in data.items() if name not in ("version", "paid")}
    if kind == "order" and kept["state"] == "closed":
        kept["state"] = "open"
    return kept


def route(
    connection: Any, kind: str, rows: Sequence[Any], now: datetime, *, new: Collection[int] = ()
) -> None:
    """Write the operations that these rows of one connection cause. Constant queries for each flow.

    ``new`` are the primary keys of those that were stored just now for the first time: they have no operations yet.
    """
    if not rows:
        return
    flows = list(active_flows(connection, kind))
    found = faults(kind, rows) if flows else {}
    forgotten = forgotten_until() if flows else None
    for flow in flows:
        wanted = [row for row in rows if flow.start_at is None or _happened(kind, row) >= flow.start_at]
        if flow.state == Flow.State.REHEARSAL:
            _rehearse(flow, wanted, found, now)
        else:
            history = _history(flow, [row.pk for row in wanted if row.pk not in new])
            _route_flow(flow, wanted, history, found, forgotten, now)


def _happened(kind: str, row: Any) -> datetime:
    moment: datetime = getattr(
        row, {"order": "placed_at", "refund": "refunded_at", "shipment": "shipped_at"}[kind]
    )
    return moment


def _rehearse(flow: Flow, rows: Sequence[Any], found: Mapping[int, Fault], now: datetime) -> None:
    note(
        flow.kind,
        [
            (
                row.pk,
                f"Rehearsal: would be held, {found[row.pk].message}"
                if row.pk in found
                else f"Rehearsal: would be sent to {flow.target}.",
                None,
            )
            for row in rows
        ],
        now,
    )


def _route_flow(
    flow: Flow,
    rows: Sequence[Any],
    history: Mapping[int, list[Operation]],
    found: Mapping[int, Fault],
    forgotten: datetime | None,
    now: datetime,
) -> None:
    promise = promise_of(flow.target.connector, flow.kind)
    operations: list[Operation] = []
    before: dict[str, Mapping[str, Any] | None] = {}
    superseded: list[Operation] = []
    decided = _decided(flow, rows, history)
    held = {row.pk: fault for row in rows if (fault := fault_of(decided.get(row.external_id)))}
    found = {**held, **found}
    for row in rows:
        past = history.get(row.pk, [])
        newest = past[-1] if past else None
        if newest and not _replaceable(newest) and _intends(newest, row):
            continue
        replaced = [operation for operation in past if operation.state in Operation.WAITING]
        kept = [
            operation
            for operation in past
            if operation not in replaced and operation.state != State.CANCELLED
        ]
        superseded += replaced
        doubtful = forgotten is not None and min(row.first_seen_at, _happened(flow.kind, row)) <= forgotten
        never_sent = not (kept or doubtful or any(map(_perhaps_sent, replaced)))
        if never_sent and row.data.get("state") == "cancelled":
            continue
        number = newest.intent + 1 if newest else 1
        fault, away = found.get(row.pk), left_out(decided.get(row.external_id))
        if away and newest and (newest.cause, newest.message) == (LEFT_OUT, away):
            continue
        state = State.CANCELLED if away else State.HELD if fault else State.READY
        operation = Operation(
            flow=flow,
            connection=flow.target,
            kind=flow.kind,
            record_id=row.pk,
            label=str(row)[:200],
            aggregate=_aggregate(flow.kind, row),
            op_key=f"{flow.kind}:{flow.source.slug}:{row.external_id}:{number}",
            intent=number,
            payload=row.data,
            look_up_first=doubtful,
            promise=promise.value,
            state=state,
            due_at=now,
            cause=LEFT_OUT if away else fault.cause[:60] if fault else "",
            message=away or (fault.message if fault else ""),
            finished_at=now if away else None,
        )
        operations.append(operation)
        before[operation.op_key] = kept[-1].payload if kept else None
    _supersede(superseded, now)
    places = take_back(flow.source, superseded)
    insert(operations)
    ahead = [operation for operation in operations if operation.state != State.CANCELLED]
    places |= write_effects(flow.source, [Change(operation, before[operation.op_key]) for operation in ahead])
    _hold(flow, operations, found, now)
    note(
        flow.kind,
        [(operation.record_id, _planned(operation), operation.pk) for operation in operations],
        now,
    )
    route_places(flow.target, places, now)
    if ahead:
        ring_delivery(flow.target)


def _perhaps_sent(operation: Operation) -> bool:
    return operation.attempts > 0 or operation.look_up_first


def _decided(
    flow: Flow, rows: Sequence[Any], history: Mapping[int, list[Operation]]
) -> dict[str, Decided[Route]]:
    """What plugins decide, asked once for all rows about which they may."""
    if not deciders("decide_route"):
        return {}
    return routes(flow, [row for row in rows if _is_open(row, history.get(row.pk, []))])


def _is_open(row: Any, past: Sequence[Operation]) -> bool:
    """Whether plugins may still decide about it: the target has seen nothing of it, and something is to be sent."""
    if any(each.state not in (*Operation.WAITING, State.CANCELLED) or _perhaps_sent(each) for each in past):
        return False
    return not past or _replaceable(past[-1]) or not _intends(past[-1], row)


def _intends(operation: Operation, row: Any) -> bool:
    """Whether the operation brings the target to what the record is now."""
    return intended(operation.kind, operation.payload) == intended(operation.kind, row.data)


def _replaceable(operation: Operation) -> bool:
    """Whether the same intent is to be written again: it was replaced, and not given up by a person."""
    return operation.state == State.CANCELLED and operation.cause != "by-hand"


def _history(flow: Flow, record_ids: list[int]) -> dict[int, list[Operation]]:
    """The operations of these records, oldest first, locked against a worker that would claim them now."""
    past: dict[int, list[Operation]] = {}
    operations = (
        Operation.objects.select_for_update()
        .filter(kind=flow.kind, connection=flow.target, record_id__in=record_ids)
        .order_by("pk")
    )
    for operation in operations:
        past.setdefault(operation.record_id, []).append(operation)
    return past


def _aggregate(kind: str, row: Any) -> str:
    """An order, its shipments and its refunds are one: none of their changes overtakes another."""
    if kind == "order":
        return f"order:{row.pk}"
    return f"order:{row.order_id}" if row.order_id else f"{kind}:{row.pk}"


def _supersede(operations: Sequence[Operation], now: datetime) -> None:
    """A newer intent replaces what was not sent yet."""
    if not operations:
        return
    ids = [operation.pk for operation in operations]
    Operation.objects.filter(Q(pk__in=ids)).update(
        state=State.CANCELLED,
        cause="superseded",
        message="A newer change of the same record replaced it before it was sent.",
        finished_at=now,
    )
    settle_subjects([operation_subject(pk) for pk in ids], now)


def _hold(flow: Flow, operations: Sequence[Operation], found: Mapping[int, Fault], now: datetime) -> None:
    held = [operation for operation in operations if operation.state == State.HELD]
    open_cases(
        flow.target,
        [hold_trouble(flow.source, operation, found[operation.record_id]) for operation in held],
        now,
    )


def hold_trouble(connection: Any, operation: Operation, fault: Fault) -> Trouble:
    """The case of a held operation: one for each cause and connection."""
    return Trouble(
        cause=fault.cause,
        key=f"{connection.pk}:{operation.kind}:{fault.cause}",
        title=f"{operation.kind.capitalize()}s of {connection} are held: {fault.cause.replace('-', ' ')}",
        mend=fault.mend,
        subject=operation_subject(operation.pk),
        label=f"{operation.kind} {operation.label}",
        message=fault.message,
        operation_id=operation.pk,
    )


def _planned(operation: Operation) -> str:
    if operation.state == State.CANCELLED:
        return f"Not sent to {operation.connection}. {operation.message}"
    if operation.state == State.HELD:
        return f"Held before {operation.connection}: {operation.message}"
    return f"To be sent to {operation.connection} (operation {operation.op_key})."
