"""Operations, cases, jobs, runs, events and what is not tied yet."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.connections.models import Reference
from portal.connections.webhook_secrets import mark_of
from portal.records.trouble import Trouble
from portal.sync.cases import open_cases, operation_subject
from portal.sync.facts import note
from portal.sync.models import Attempt, Case, Event, Job, Operation, Refusals, Run

State = Operation.State

OUTCOMES = {
    State.READY: {},
    State.SENDING: {"attempts": 1, "worker": "web1:4711"},
    State.RETRY_WAIT: {
        "attempts": 3,
        "message": "Tryton asks to wait: too many requests.",
        "cause": "retry-later",
    },
    State.UNKNOWN: {
        "attempts": 1,
        "message": "The connection was reset after sending.",
        "cause": "outcome-unknown",
    },
    State.HELD: {
        "cause": "missing-product",
        "message": "The product 'MUG-XL' is not tied to anything in Tryton.",
    },
    State.REVIEW: {
        "attempts": 2,
        "cause": "outcome-unknown",
        "message": "Nobody can tell whether it arrived.",
    },
    State.DONE: {"attempts": 1, "remote_id": "4242", "receipt": {"number": "S00042"}},
    State.DEAD: {"attempts": 12, "cause": "gave-up", "message": "Twelve attempts failed: server error 500."},
    State.CANCELLED: {"cause": "superseded", "message": "A newer change of the same record replaced it."},
}


def operation(route, record, state=State.READY, intent=1, **more):
    """One operation that carries the record over the flow, with the attempts that its state tells of."""
    now = timezone.now()
    values = {
        "flow": route,
        "connection": route.target,
        "kind": route.kind,
        "record_id": record.pk,
        "label": str(record),
        "aggregate": f"{route.kind}:{record.pk}",
        "op_key": f"{route.kind}:{route.source.slug}:{getattr(record, 'external_id', record.pk)}:{intent}",
        "intent": intent,
        "intent_digest": "0" * 64,
        "payload": getattr(record, "data", {}),
        "promise": "B",
        "due_at": now,
        "finished_at": now - timedelta(minutes=3) if state in (State.DONE, State.CANCELLED) else None,
        "lease_until": now + timedelta(seconds=40) if state == State.SENDING else None,
    }
    made = Operation.objects.create(state=state, **{**values, **OUTCOMES[state], **more})
    Operation.objects.filter(pk=made.pk).update(created_at=now - timedelta(minutes=4 + record.pk % 9))
    Attempt.objects.bulk_create(
        Attempt(
            operation=made,
            number=number + 1,
            started_at=now - timedelta(minutes=5 - number % 5),
            milliseconds=180 + 40 * number,
            outcome="done" if state == State.DONE else state,
            message=made.message,
        )
        for number in range(made.attempts)
    )
    if state == State.DONE and route.kind in Reference.Kind.values:
        there = {"external_id": f"{4000 + made.pk}", "label": f"S{made.pk:05}"}
        Reference.objects.get_or_create(
            connection=route.target, kind=route.kind, record_id=record.pk, defaults=there
        )
    said = made.message or {State.DONE: f"Done in {route.target} as {made.remote_id}."}.get(
        state, "To be sent."
    )
    note(route.kind, [(record.pk, said, made.pk)], now)
    return made


def case(connection, cause="missing-product", operations=(), title="", mend=""):
    """An open case over these operations; without any, over an untied product."""
    troubles = [
        Trouble(
            cause=cause,
            key=f"{connection.pk}:{cause}:{title}",
            title=title or f"{connection} needs a person: {cause.replace('-', ' ')}",
            mend=mend or "Create it in Tryton under the same name, or tie it under References.",
            subject=operation_subject(each.pk),
            label=f"{each.kind} {each.label}",
            message=each.message or "Held.",
            operation_id=each.pk,
        )
        for each in operations
    ] or [
        Trouble(
            cause=cause,
            key=f"{connection.pk}:{cause}:{title}",
            title=title or f"{connection} has a product nobody knows",
            mend=mend or "Tie it under References.",
            subject=f"product:{connection.pk}:MUG-XL",
            label="product MUG-XL",
            message="No product of ours has the SKU MUG-XL.",
        )
    ]
    open_cases(connection, troubles, timezone.now() - timedelta(hours=3))
    return Case.objects.get(key=troubles[0].key)


def job(connection, name, **more):
    now = timezone.now()
    values = {
        "due_at": now + timedelta(seconds=20),
        "last_ok_at": now - timedelta(seconds=40),
        "cursor": "2026-11-20T21:14:05Z",
    }
    return Job.objects.create(connection=connection, name=name, **{**values, **more})


def run(of, state=Run.State.DONE, **more):
    now = timezone.now()
    values = {
        "started_at": now - timedelta(minutes=6),
        "finished_at": None if state == Run.State.RUNNING else now - timedelta(minutes=5, seconds=48),
        "counts": {"new": 12, "changed": 3, "unchanged": 85},
    }
    return Run.objects.create(job=of, state=state, **{**values, **more})


def event(connection, number=1, state=Event.State.DONE, body=b""):
    return Event.objects.create(
        connection=connection,
        dedupe_key=f"event-{number}",
        topic="order.created",
        kind="order",
        external_id=f"o{number}",
        headers={"content-type": "application/json", "x-shop-signature": "sha256=abcdef"},
        body=body or b'{"topic": "order.created", "data": {"id": "o%d"}}' % number,
        state=state,
        signed_with=mark_of(connection.webhook_secrets[0]),
        attempts=1,
        processed_at=timezone.now() if state == Event.State.DONE else None,
    )


def refusals(connection, count=7):
    now = timezone.now()
    return Refusals.objects.create(
        connection=connection,
        hour=now.replace(minute=0, second=0, microsecond=0),
        count=count,
        reason="The webhook's signature does not fit its body and our secret.",
        last_at=now - timedelta(minutes=4),
    )


def untied(connection, label="MUG-XL", kind=Reference.Kind.PRODUCT):
    return Reference.objects.create(
        connection=connection, kind=kind, external_id=label, label=label, record_id=None, state="suggested"
    )
