"""Ringing: telling some worker that a job may be due.

A ring is a django-q2 task with one integer. Losing, doubling or reordering rings changes latency and
nothing else: the job's row says whether there is anything to do, and :mod:`portal.sync.sweep` rings again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django_q.tasks import async_task

from portal.connections.models import Connection
from portal.sync.clock import in_
from portal.sync.models import Job

logger = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=5)
"""How long a ring may go unanswered before it is repeated."""


_UNANSWERED = (
    "EXISTS (SELECT 1 FROM sync_job WHERE connection_id = sync_event.connection_id AND name = 'inbox' AND enabled"
    " AND (due_at > {now} OR rung_at IS NULL OR rung_at < {before}))"
)
INBOX_UNANSWERED = {
    "postgresql": _UNANSWERED.format(
        now="statement_timestamp()",
        before=f"statement_timestamp() - interval '{PATIENCE.total_seconds()} seconds'",
    ),
    "sqlite": _UNANSWERED.format(
        now="strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
        before=f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-{PATIENCE.total_seconds()} seconds')",
    ),
}
"""The condition, in SQL, that nobody has rung for the inbox to which an event is just being added.

Whoever was rung for and began before the event was committed has missed it, if it also came to its end before: the
sweep finds that one, half a second later.
"""


def ring_delivery(connection: Connection) -> None:
    """There is something to send to this connection."""
    _ring(connection, ["deliver"])


def ring_lanes(connection: Connection, lanes: Iterable[str]) -> None:
    """More workers than the first should deliver to this connection."""
    _ring(connection, lanes)


def ring_inbox(connection: Connection) -> None:
    """A webhook of this connection was stored.

    The job's row is touched after the commit only: webhooks that come at once would wait for each other at it.
    What is lost in between is found by the sweep, as every event that is new.
    """
    transaction.on_commit(lambda: _ring(connection, ["inbox"]))


def ring_pulls(connection: Connection, names: Iterable[str]) -> None:
    """These jobs of the connection should run now rather than at their next turn."""
    _ring(connection, names)


def ring_all(connection: Connection) -> None:
    """Nothing of this connection need wait for its turn any longer."""
    _bring_forward(Job.objects.filter(connection=connection, enabled=True))


def ring_checks() -> None:
    """What could not be tied before can be now: stock is compared everywhere."""
    _bring_forward(Job.objects.filter(name="check:stock", enabled=True))


def _ring(connection: Connection, names: Iterable[str]) -> None:
    _bring_forward(Job.objects.filter(connection=connection, name__in=list(names), enabled=True))


def _bring_forward(jobs: QuerySet[Job]) -> None:
    jobs.filter(due_at__gt=Now()).update(due_at=Now())
    ids = list(jobs.values_list("pk", flat=True))
    transaction.on_commit(lambda: knock(ids))


def knock(job_ids: Iterable[int]) -> int:
    """Ring for the given jobs, unless somebody rang a moment ago. Returns how many rings were sent.

    A broker that is away costs only time: the sweep rings again.
    """
    sent = 0
    for job_id in job_ids:
        quiet = Q(rung_at=None) | Q(rung_at__lt=in_(-PATIENCE))
        if Job.objects.filter(quiet, pk=job_id).update(rung_at=Now()):
            try:
                async_task("portal.sync.tasks.answer", job_id, group="ring")
                sent += 1
            except Exception:
                logger.exception("The queue did not take the ring for job %s; it will be rung again.", job_id)
    return sent
