"""Telling people what came of operations: the case that needs them, and the line of the timeline."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from portal.records.trouble import Trouble
from portal.sync.cases import operation_subject
from portal.sync.decide import Outcome
from portal.sync.facts import note
from portal.sync.models import Operation

State = Operation.State


def troubles(operation: Operation, outcome: Outcome) -> list[Trouble]:
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
        if operation.cause == "id-taken":
            mend = f"Look in {target} which of the two it is, then mark this one done with its right id, or cancel it."
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


def tell(ours: Sequence[tuple[Operation, Outcome]], now: datetime) -> None:
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
