"""Removing what is old, in small bites: raw payloads first, then what was logged, then operations long replaced.

Never removed, whatever their age: records, references, cases and operations that are open, and of each record
the newest operation and the newest that was done, by which its next change is numbered, compared and booked.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django_q.models import Task

from portal.plugins.calls import guarded
from portal.plugins.manager import plugins
from portal.plugins.switches import switched_off
from portal.records.models import Order, Refund, Shipment
from portal.sdk.contributions import Retention
from portal.sync.clock import db_now
from portal.sync.leases import keep
from portal.sync.models import Attempt, Case, Event, Fact, Job, Operation, Refusals, Run
from portal.sync.progress import Progress

State = Operation.State
ENDED = (State.DONE, State.CANCELLED)
BITE = 500
"""Rows of one transaction: no writer waits longer than one takes."""

BUDGET = 120.0
"""Seconds after which the job lets another have the worker and comes back for the rest."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``age`` names the setting in ``settings.KEEP``; ``old(before)`` are the rows that go.

    They are deleted, or where ``emptied`` names fields, only these are emptied.
    """

    name: str
    title: str
    age: str
    old: Callable[[datetime], QuerySet[Any]]
    emptied: dict[str, Any] = field(default_factory=dict)


def _raw_of(model: type[Any]) -> Callable[[datetime], QuerySet[Any]]:
    return lambda before: model.objects.filter(changed_at__lt=before).exclude(raw={})


def _of_ended() -> Exists:
    """Not by a join, which SQLite turns round: it would go through all operations for every bite."""
    return Exists(Operation.objects.filter(pk=OuterRef("operation_id"), state__in=ENDED))


def _replaced(before: datetime) -> QuerySet[Operation]:
    """Operations that ended long ago and that a newer one of the same record has followed to its end."""
    newer = Operation.objects.filter(
        kind=OuterRef("kind"),
        record_id=OuterRef("record_id"),
        connection=OuterRef("connection"),
        pk__gt=OuterRef("pk"),
    )
    superseded = Q(Exists(newer), state=State.CANCELLED)
    followed = Q(Exists(newer.filter(state=State.DONE)), state=State.DONE)
    return Operation.objects.filter(superseded | followed, created_at__lt=before, finished_at__lt=before)


RULES = (
    Rule(
        "webhook-bodies",
        "bodies of webhooks",
        "raw",
        lambda before: (
            Event.objects.filter(received_at__lt=before).exclude(state=Event.State.NEW).exclude(body=b"")
        ),
        {"body": b"", "headers": {}},
    ),
    *(
        Rule(f"raw-{kind}s", f"the source's own words of {kind}s", "raw", _raw_of(model), {"raw": {}})
        for kind, model in (("order", Order), ("refund", Refund), ("shipment", Shipment))
    ),
    Rule(
        "webhooks",
        "webhooks",
        "log",
        lambda before: Event.objects.filter(received_at__lt=before).exclude(state=Event.State.NEW),
    ),
    Rule(
        "refusals",
        "counts of refused webhooks",
        "log",
        lambda before: Refusals.objects.filter(hour__lt=before),
    ),
    Rule(
        "attempts",
        "tries of ended operations",
        "log",
        lambda before: Attempt.objects.filter(_of_ended(), started_at__lt=before),
    ),
    Rule(
        "runs",
        "runs of jobs",
        "log",
        lambda before: Run.objects.filter(started_at__lt=before).exclude(state=Run.State.RUNNING),
    ),
    Rule(
        "tasks", "finished tasks of the queue", "log", lambda before: Task.objects.filter(stopped__lt=before)
    ),
    Rule(
        "sessions",
        "sign-ins that ran out",
        "log",
        lambda before: Session.objects.filter(expire_date__lt=before),
    ),
    Rule("stock", "replaced stock figures", "log", lambda before: _replaced(before).filter(kind="stock")),
    Rule(
        "operations",
        "replaced operations",
        "operations",
        lambda before: _replaced(before).exclude(kind="stock"),
    ),
    Rule(
        "cases",
        "resolved cases",
        "operations",
        lambda before: Case.objects.filter(state=Case.State.RESOLVED, resolved_at__lt=before),
    ),
    Rule("facts", "lines of timelines", "facts", lambda before: Fact.objects.filter(at__lt=before)),
)


@dataclass(frozen=True, slots=True)
class Line:
    """What one rule would remove, or has removed; ``count`` is None where a plugin does not say beforehand."""

    title: str
    keep: timedelta | None
    count: int | None


def forecast() -> Iterator[Line]:
    """What would be removed now, rule by rule; nothing is touched."""
    now = db_now()
    for rule in RULES:
        age = settings.KEEP[rule.age]
        yield Line(rule.title, age, rule.old(now - age).count() if age else 0)
    for _, own in _of_plugins():
        yield Line(own.title, own.keep, None)


def clean_up(after_each: Callable[[], None] = lambda: None) -> Iterator[Line]:
    """Remove what is old, bite by bite, a rule after the other; ``after_each`` bite may raise to stop."""
    now = db_now()
    for rule in RULES:
        if age := settings.KEEP[rule.age]:
            yield Line(rule.title, age, sum(_bites(rule, now - age, after_each)))
    for plugin, own in _of_plugins():
        yield Line(own.title, own.keep, sum(_bites_of_plugin(plugin, own, now - own.keep, after_each)))


def _bites(rule: Rule, before: datetime, after_each: Callable[[], None]) -> Iterator[int]:
    """Each bite begins behind the last: what is kept among the old is met once, not by every bite."""
    last: Any = None
    while True:
        rows = rule.old(before).order_by("pk")
        found = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", flat=True)[:BITE])
        if not found:
            return
        with transaction.atomic():
            # Asked again: what was reopened or changed since stays.
            chosen = rule.old(before).filter(pk__in=found)
            yield chosen.update(**rule.emptied) if rule.emptied else _deleted(chosen)
        last = found[-1]
        after_each()


def _deleted(rows: QuerySet[Any]) -> int:
    """How many of these rows were deleted; what hangs on them goes along and is not counted."""
    _, by_model = rows.delete()
    return by_model.get(rows.model._meta.label, 0)


def _bites_of_plugin(
    plugin: str, own: Retention, before: datetime, after_each: Callable[[], None]
) -> Iterator[int]:
    while True:
        removed = guarded(plugin, f"The retention “{own.title}”", own.purge, before=before, most=BITE)
        yield int(removed or 0)
        after_each()
        if not removed or removed < BITE:
            return


def _of_plugins() -> list[tuple[str, Retention]]:
    away = switched_off()
    return [(plugin, own) for plugin, own in plugins().brought(Retention) if plugin not in away]


class _LaterOn(Exception):
    """The budget is used up."""


def work(job: Job, progress: Progress) -> None:
    """The job: once a day; what is left when its time is up is removed a minute later."""
    began = time.monotonic()

    def after_each() -> None:
        keep(job)
        if time.monotonic() - began > BUDGET:
            raise _LaterOn

    try:
        for line in clean_up(after_each):
            progress.add(Counter({line.title: line.count or 0}))
    except _LaterOn:
        keep(job, due_at=db_now() + timedelta(minutes=1))
