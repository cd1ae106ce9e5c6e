"""What a person does about held operations, untied references and cases; each leaves a fact with the name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.connections.models import Reference
from portal.connections.ties import forget_untied
from portal.sync.cases import close, operation_subject, settle_subjects
from portal.sync.clock import db_now
from portal.sync.doors import ring_checks
from portal.sync.facts import note
from portal.sync.models import Case, Operation
from portal.sync.release import release, retry

State = Operation.State
RETRYABLE = (State.HELD, State.REVIEW, State.RETRY_WAIT, State.DEAD)
CANCELLABLE = (State.READY, State.RETRY_WAIT, State.HELD, State.REVIEW)
FINISHABLE = (*CANCELLABLE, State.UNKNOWN)
"""What a person may mark done."""


def retry_operations(ids: Iterable[int], by: Any) -> int:
    """Send again what is held, waits or needs review. Returns how many; the others are left as they are."""
    with transaction.atomic():
        chosen = list(
            Operation.objects.select_for_update(of=("self",))
            .filter(pk__in=list(ids), state__in=RETRYABLE)
            .select_related("flow__source", "connection")
            .prefetch_related("effects")
        )
        # Who asks for a second try of what nobody could tell has looked there.
        Operation.objects.filter(
            pk__in=[operation.pk for operation in chosen if operation.state == State.REVIEW]
        ).update(look_up_first=False)
        if chosen:
            retry(chosen, timezone.now(), why=f"{by} asked to try again.")
    return len(chosen)


def cancel_operations(ids: Iterable[int], by: Any, reason: str) -> int:
    """Give up what has not been sent. Returns how many. Raises ``ValueError`` without a reason."""
    _need(reason)
    return _end(ids, CANCELLABLE, State.CANCELLED, by, reason, "cancelled it", remote_id="")


def mark_done(operation: Operation, remote_id: str, by: Any, reason: str) -> None:
    """A person has seen to it in the remote system. Raises ``ValueError`` when it is being sent right now."""
    _need(reason)
    ended = _end([operation.pk], FINISHABLE, State.DONE, by, reason, "marked it done", remote_id=remote_id)
    if not ended:
        raise ValueError(f"{operation} is being sent, or is ended already; look at it again in a moment.")


def _need(reason: str) -> None:
    if not reason.strip():
        raise ValueError("Say why: it is kept with the operation.")


def _end(
    ids: Iterable[int], states: Iterable[str], state: str, by: Any, reason: str, did: str, *, remote_id: str
) -> int:
    now = db_now()
    with transaction.atomic():
        chosen = list(
            Operation.objects.select_for_update(of=("self",))
            .filter(pk__in=list(ids), state__in=list(states))
            .select_related("connection")
        )
        for operation in chosen:
            operation.state, operation.finished_at = state, now
            operation.fence += 1
            operation.lease_until = None
            operation.cause = "by-hand"
            operation.message = f"{by} {did}: {reason.strip()}"
            operation.remote_id = remote_id or operation.remote_id
        Operation.objects.bulk_update(
            chosen, ["state", "finished_at", "fence", "lease_until", "cause", "message", "remote_id"]
        )
        settle_subjects([operation_subject(operation.pk) for operation in chosen], now)
        for operation in chosen:
            note(operation.kind, [(operation.record_id, operation.message, operation.pk)], now)
            if remote_id and operation.kind in Reference.Kind.values:
                _refuse_taken(operation, remote_id)
                forget_untied(operation.connection, [(operation.kind, remote_id)])
                Reference.objects.update_or_create(
                    connection=operation.connection,
                    kind=operation.kind,
                    record_id=operation.record_id,
                    state=Reference.State.CONFIRMED,
                    defaults={"external_id": remote_id, "label": operation.label},
                )
                release(operation.kind, now)
    return len(chosen)


def _refuse_taken(operation: Operation, remote_id: str) -> None:
    other = (
        Reference.objects.filter(
            connection=operation.connection,
            kind=operation.kind,
            external_id=remote_id,
            state=Reference.State.CONFIRMED,
        )
        .exclude(record_id=operation.record_id)
        .first()
    )
    if other is not None:
        raise ValueError(
            f"{remote_id} is another {operation.kind} in the portal: {other}. Give the id of this one, or untie that "
            "one first."
        )


def tie(reference: Reference, record_id: int, by: Any) -> int:
    """Confirm that this id means that record of ours. Returns how many held operations it let go.

    Raises ``ValueError`` when another id of the same connection is tied to the record.
    """
    with transaction.atomic():
        other = (
            Reference.objects.select_for_update(of=("self",))
            .filter(
                connection=reference.connection,
                kind=reference.kind,
                record_id=record_id,
                state=Reference.State.CONFIRMED,
            )
            .exclude(pk=reference.pk)
            .first()
        )
        if other is not None:
            raise ValueError(
                f"{other} is tied to that record already. Untie it first, or choose another record."
            )
        reference.record_id, reference.state = record_id, Reference.State.CONFIRMED
        reference.save(update_fields=["record_id", "state"])
        now = timezone.now()
        settle_subjects([f"{reference.kind}:{reference.connection_id}:{reference.external_id}"], now)
        note(reference.kind, [(record_id, f"{by} tied it to {reference}.", None)], now)
        ring_checks()
        return release(reference.kind, now)


def untie(reference: Reference, by: Any) -> None:
    """Take back a tie. What needs it is held from now on, until somebody ties it again."""
    if reference.record_id is None:
        raise ValueError(f"{reference} is not tied to anything.")
    with transaction.atomic():
        note(
            reference.kind, [(reference.record_id, f"{by} untied it from {reference}.", None)], timezone.now()
        )
        reference.record_id, reference.state = None, Reference.State.REJECTED
        reference.save(update_fields=["record_id", "state"])


def resolve_case(case: Case, by: Any) -> None:
    """Close a case by hand. Raises ``ValueError`` while operations are held by it."""
    held = case.items.filter(resolved_at=None, operation__state__in=[State.HELD, State.REVIEW]).count()
    if held:
        raise ValueError(
            f"{held} operations are still held by this case: try them again or cancel them first."
        )
    with transaction.atomic():
        close(Case.objects.filter(pk=case.pk), timezone.now())
        if case.owner_id is None:
            Case.objects.filter(pk=case.pk).update(owner=by)
    case.refresh_from_db()
