"""Storing what came of a chunk of operations: receipts, references, facts and cases, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from portal.connections.models import Connection, Reference
from portal.connections.services import note_success, note_trouble, redacted, rested_at
from portal.plugins.manager import connector_class
from portal.records.plain import clean, plain
from portal.records.store import adopt
from portal.records.trouble import Trouble
from portal.sdk import Misconfigured, OutcomeUnknown, PortalError, ReadAgain, Receipt, RetryLater, SkipRecord
from portal.sdk.connector import Promise
from portal.sync import stock
from portal.sync.cases import open_cases, operation_subject, settle_subjects
from portal.sync.clock import db_now
from portal.sync.facts import note
from portal.sync.models import Attempt, Operation
from portal.sync.needs import Key, lack
from portal.sync.release import release

MOST_ATTEMPTS = 12
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
HARMLESS_TWICE = (Promise.IDEMPOTENCY_KEY, Promise.UNIQUE_REFERENCE, Promise.ABSOLUTE)
"""What may be pushed again although nobody knows how far the last push came."""

State = Operation.State


@dataclass(frozen=True, slots=True)
class Absent:
    """A look-up found that the change is surely not there, or that repeating it is harmless."""


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The connection needed a rest before this one's turn came."""


Result = Receipt | Absent | NotBegun | PortalError | Exception


@dataclass(frozen=True, slots=True)
class Outcome:
    """One operation and what came of it: a result, or the tie that it lacks."""

    operation: Operation
    result: Result | None = None
    lacking: Key | None = None
    started: datetime | None = None
    milliseconds: int = 0


def settle(connection: Connection, outcomes: Sequence[Outcome]) -> Counter[str]:
    """Store the outcomes whose fence still holds. Constant queries for any number; returns counts by state."""
    if not outcomes:
        return Counter()
    now = db_now()
    with transaction.atomic():
        locked = {
            row.pk: row
            for row in Operation.objects.select_for_update(of=("self",))
            .select_related("flow__source", "connection")
            .filter(pk__in=[outcome.operation.pk for outcome in outcomes])
        }
        ours = [
            (locked[outcome.operation.pk], outcome)
            for outcome in outcomes
            if locked[outcome.operation.pk].fence == outcome.operation.fence
            and locked[outcome.operation.pk].state in (State.SENDING, State.UNKNOWN)
        ]
        for operation, outcome in ours:
            operation.lease_until = None
            _decide(operation, outcome, now)
        Operation.objects.bulk_update(
            [operation for operation, _ in ours],
            [
                "state",
                "due_at",
                "attempts",
                "lease_until",
                "cause",
                "message",
                "remote_id",
                "receipt",
                "finished_at",
            ],
        )
        _remember(ours)
        done = [operation for operation, _ in ours if operation.state == State.DONE]
        _tie(connection, done, now)
        settle_subjects([operation_subject(operation.pk) for operation in done], now)
        open_cases(connection, [trouble for pair in ours for trouble in _troubles(*pair)], now)
        _tell(ours, now)
        _follow_stock(connection, ours, now)
    _judge_connection(connection, [outcome.result for outcome in outcomes])
    return Counter(operation.state for operation, _ in ours)


def _decide(operation: Operation, outcome: Outcome, now: datetime) -> None:
    """The next state, by what happened."""
    # What was claimed counts: its lease may have lapsed since, which made a sending *unknown*.
    result, looked_up = outcome.result, outcome.operation.state == State.UNKNOWN
    operation.cause, operation.message = "", str(result) if isinstance(result, PortalError) else ""
    if outcome.lacking is not None:
        operation.attempts -= 1
        _become(operation, State.HELD, f"missing-{outcome.lacking[0]}")
        operation.message = lack(operation, outcome.lacking)
    elif isinstance(result, Receipt):
        operation.remote_id, operation.receipt = result.remote_id, plain(dict(result.data))
        operation.message, operation.finished_at = result.note, now
        _become(operation, State.DONE)
    elif isinstance(result, Absent):
        operation.due_at = now
        _become(operation, State.READY)
    elif isinstance(result, NotBegun):
        operation.attempts -= 0 if looked_up else 1
        _become(operation, State.UNKNOWN if looked_up else State.READY)
    elif isinstance(result, SkipRecord):
        # Refused to be looked up is not refused to be done.
        _become(operation, State.REVIEW if looked_up else State.HELD, result.cause[:60])
    elif isinstance(result, ReadAgain) and operation.kind == "stock":
        operation.finished_at = now
        _become(operation, State.CANCELLED, "overtaken")
    elif isinstance(result, OutcomeUnknown):
        certain_never = looked_up or operation.promise == "E" or operation.attempts >= MOST_ATTEMPTS
        operation.due_at = now + connector_class(operation.connection.connector).grace
        _become(operation, State.REVIEW if certain_never else State.UNKNOWN, "outcome-unknown")
    elif isinstance(result, RetryLater | Misconfigured | ReadAgain):
        _wait(operation, result, now, looked_up=looked_up)
    else:
        said = f"The connector failed: {type(result).__name__}: {result}"
        operation.message = redacted(operation.connection, said)
        doubtful = looked_up or operation.promise not in HARMLESS_TWICE
        _become(operation, State.REVIEW if doubtful else State.HELD, "connector-bug")
    operation.message = clean(operation.message)


def _become(operation: Operation, state: Operation.State, cause: str = "") -> None:
    operation.state, operation.cause = state, cause


def _wait(operation: Operation, error: PortalError, now: datetime, *, looked_up: bool) -> None:
    """Try again later; a failure of the whole connection does not count against the operation."""
    whole = isinstance(error, Misconfigured) or getattr(error, "whole_connection", False)
    if whole:
        operation.due_at = rested_at(operation.connection.failures, error)
        operation.attempts -= 0 if looked_up else 1
    else:
        asked = error.after if isinstance(error, RetryLater) else None
        doubled = FIRST_WAIT * 2 ** min(operation.attempts, 10)
        operation.due_at = now + (asked if asked is not None else min(doubled, LONGEST_WAIT))
    if looked_up:
        _become(operation, State.UNKNOWN, "outcome-unknown")
    elif operation.attempts >= MOST_ATTEMPTS:
        _become(operation, State.HELD, "keeps-failing")
    else:
        _become(operation, State.RETRY_WAIT, "connection" if whole else "retry")


def _remember(ours: Sequence[tuple[Operation, Outcome]]) -> None:
    Attempt.objects.bulk_create(
        Attempt(
            operation=operation,
            number=operation.attempts,
            started_at=outcome.started,
            milliseconds=outcome.milliseconds,
            outcome=operation.state,
            message=operation.message,
        )
        for operation, outcome in ours
        if outcome.started is not None
    )


def _tie(connection: Connection, done: Sequence[Operation], now: datetime) -> None:
    """Reference what the remote now has, and let go what waited for it."""
    told = {
        (operation.kind, operation.record_id): operation
        for operation in done
        if operation.remote_id and operation.kind in Reference.Kind.values
    }
    if not told:
        return
    known = Reference.objects.filter(
        connection=connection,
        kind__in={kind for kind, _ in told},
        record_id__in={record for _, record in told},
        state=Reference.State.CONFIRMED,
    )
    moved = []
    for reference in known:
        operation = told.pop((reference.kind, reference.record_id), None)  # type: ignore[arg-type]
        if operation is not None and reference.external_id != operation.remote_id:
            reference.external_id = operation.remote_id
            moved.append(reference)
    Reference.objects.bulk_update(moved, ["external_id"])
    Reference.objects.bulk_create(
        (
            Reference(
                connection=connection,
                kind=kind,
                external_id=operation.remote_id,
                label=str(operation.receipt.get("number", ""))[:200] or operation.label,
                record_id=record,
            )
            for (kind, record), operation in told.items()
        ),
        ignore_conflicts=True,
    )
    orders = {operation.remote_id: record for (kind, record), operation in told.items() if kind == "order"}
    if orders:
        adopt(connection, orders)
        release("order", now)


def _troubles(operation: Operation, outcome: Outcome) -> list[Trouble]:
    """The case of what needs a person now; equal causes share one."""
    if operation.state not in (State.HELD, State.REVIEW):
        return []
    target, kind = operation.connection, operation.kind
    title = f"{kind.capitalize()}s for {target} are held: {operation.cause.replace('-', ' ')}"
    key, mend = f"{target.pk}:{kind}:{operation.cause}", getattr(outcome.result, "mend", "")
    if outcome.lacking is not None:
        lacking, name = outcome.lacking
        key = f"{target.pk}:missing-{lacking}:{name}"
        title = f"The {lacking} {name} is not tied to anything in {target}"
        mend = (
            f"Create it in {target} under the same name, or tie it under References. "
            "Everything that waits for it goes on by itself."
        )
        if lacking == "order":
            mend = f"It goes on by itself once the order is in {target}; see what holds the order."
    elif operation.state == State.REVIEW:
        mend = f"Look in {target} whether it is there, then mark it done with its id, or try it again."
        if operation.cause == "connector-bug":
            mend += " Report what it says to the plugin's author."
    elif operation.cause == "connector-bug":
        mend = "Report this to the plugin's author; after an update, try it again."
    return [
        Trouble(
            cause=operation.cause,
            key=key,
            title=title,
            mend=mend or "Mend what the message names, then try it again.",
            subject=operation_subject(operation.pk),
            label=f"{kind} {operation.label}",
            message=operation.message,
            operation_id=operation.pk,
        )
    ]


def _tell(ours: Sequence[tuple[Operation, Outcome]], now: datetime) -> None:
    words = {
        State.DONE: "Done in {target}{as_id}. {message}",
        State.HELD: "Held before {target}: {message}",
        State.UNKNOWN: "No certain answer from {target}; it will be asked. {message}",
        State.REVIEW: "Nobody can tell whether {target} has done it: {message}",
    }
    by_kind: dict[str, list[tuple[int, str, int | None]]] = {}
    for operation, _ in ours:
        if operation.state in words:
            text = words[State(operation.state)].format(
                target=operation.connection,
                message=operation.message,
                as_id=f" as {operation.remote_id}" if operation.remote_id else "",
            )
            by_kind.setdefault(operation.kind, []).append((operation.record_id, text.strip(), operation.pk))
    for kind, lines in by_kind.items():
        note(kind, lines, now)


def _follow_stock(connection: Connection, ours: Sequence[tuple[Operation, Outcome]], now: datetime) -> None:
    """Written figures become what we believe; refused ones are doubted."""
    levels = [(operation, outcome) for operation, outcome in ours if operation.kind == "stock"]
    stock.wrote([operation for operation, _ in levels if operation.state == State.DONE], now)
    for operation, outcome in levels:
        if isinstance(outcome.result, ReadAgain):
            stock.doubt(connection, operation.record_id, outcome.result.current, now)


def _judge_connection(connection: Connection, results: Sequence[Result | None]) -> None:
    """The connection's light follows what its calls said."""
    for result in results:
        if isinstance(result, Misconfigured) or getattr(result, "whole_connection", False):
            assert isinstance(result, PortalError)
            trouble(connection, result)
            return
    if any(isinstance(result, Receipt) for result in results):
        recovered(connection)


def trouble(connection: Connection, error: PortalError) -> None:
    """The whole connection fails: it rests; what a person has to mend becomes a case."""
    note_trouble(connection, error)
    if isinstance(error, Misconfigured):
        open_cases(
            connection,
            [
                Trouble(
                    cause="connection",
                    key=f"{connection.pk}:connection",
                    title=f"{connection} cannot be used: {error.message}",
                    mend=error.mend or "Open the connection, correct it and test it.",
                    subject=f"connection:{connection.pk}",
                    label=str(connection),
                    message=str(error),
                )
            ],
            timezone.now(),
        )


def recovered(connection: Connection) -> None:
    """A call worked: the light turns green and the connection's case is settled."""
    if connection.health != Connection.Health.GOOD or connection.failures:
        note_success(connection)
        settle_subjects([f"connection:{connection.pk}"], timezone.now())
