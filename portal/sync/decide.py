"""What came of one operation, and the state that this leads to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.connections.services import redacted, rest_after
from portal.plugins.manager import connector_class
from portal.records.plain import clean, plain
from portal.sdk import (
    Misconfigured,
    MustWait,
    OutcomeUnknown,
    PortalError,
    ReadAgain,
    Receipt,
    RetryLater,
    SkipRecord,
)
from portal.sdk.connector import Promise
from portal.sync.models import Operation
from portal.sync.needs import Key, lack

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


@dataclass(frozen=True, slots=True)
class TiedElsewhere:
    """The remote says it is done, by an id that belongs to another record."""

    remote_id: str
    other: str


Result = Receipt | Absent | NotBegun | TiedElsewhere | PortalError | Exception


@dataclass(frozen=True, slots=True)
class Outcome:
    """One operation and what came of it: a result, or the tie that it lacks."""

    operation: Operation
    result: Result | None = None
    lacking: Key | None = None
    started: datetime | None = None
    milliseconds: int = 0


def decide(operation: Operation, outcome: Outcome, now: datetime) -> None:
    """Give the operation its next state, by what happened. Nothing is stored here."""
    # What was claimed counts: its lease may have lapsed since, which made a sending *unknown*.
    result, looked_up = outcome.result, outcome.operation.state == State.UNKNOWN
    operation.cause, operation.message = "", str(result) if isinstance(result, PortalError) else ""
    if outcome.lacking is not None:
        operation.attempts -= 0 if looked_up else 1
        _become(operation, State.HELD, f"missing-{outcome.lacking[0]}")
        operation.message = lack(operation, outcome.lacking)
    elif isinstance(result, Receipt):
        operation.remote_id, operation.receipt = result.remote_id, plain(dict(result.data))
        operation.message, operation.finished_at = result.note, now
        _become(operation, State.DONE)
    elif isinstance(result, TiedElsewhere):
        operation.message = (
            f"{operation.connection} answered that this is {result.remote_id} there, but that id belongs to "
            f"{result.other}."
        )
        _become(operation, State.REVIEW, "id-taken")
    elif isinstance(result, Absent):
        operation.due_at, operation.look_up_first = now, False
        _become(operation, State.READY)
    elif isinstance(result, NotBegun | MustWait):
        operation.attempts -= 0 if looked_up else 1
        if isinstance(result, MustWait):
            operation.due_at = now + result.after
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
    whole = error.whole_connection
    if whole:
        operation.due_at = now + rest_after(operation.connection.failures, error)
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
