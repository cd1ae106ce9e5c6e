"""Reading a span of time again, because staff ask for it: page by page beside the live reading.

What is there already is known by its reference and digest, and nothing is sent for it; what is missing comes in as
if it had never been missed. Each page is stored in one transaction with the cursor that leads on from it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import opened
from portal.plugins.manager import connector_class
from portal.sdk import Connector, Page
from portal.sync.apply import apply_page
from portal.sync.clock import db_now, in_
from portal.sync.doors import ring_pulls
from portal.sync.facts import note
from portal.sync.jobs import ensure_jobs
from portal.sync.leases import Heartbeat, keep
from portal.sync.models import Backfill, Job
from portal.sync.progress import Progress
from portal.sync.suspects import careful

TURN = 20.0
"""Seconds that one turn reads. Then it lets the live reading have the worker and the connection."""

PAUSE = timedelta(seconds=10)

DATED = {"order": "placed_at", "refund": "refunded_at", "shipment": "shipped_at"}
"""The moment by which a record belongs to a span of time."""

State = Backfill.State


def can(connection: Connection, kind: str) -> bool:
    """Whether this kind of record can be read from there at all."""
    cls = connector_class(connection.connector)
    return kind in DATED and (hasattr(cls, f"pull_{kind}") or hasattr(cls, f"read_{kind}"))


def ask(connection: Connection, kind: str, since: datetime, until: datetime, by: Any) -> Backfill:
    """Want the records of that span to be read again. Raises ``ValueError`` with a sentence when they cannot be."""
    if not can(connection, kind):
        raise ValueError(f"{connection} cannot be read for {kind}s.")
    if since >= until:
        raise ValueError("The end of the span must be later than its beginning.")
    with transaction.atomic():
        row = Backfill.objects.create(
            connection=connection, kind=kind, since=since, until=until, asked_by=str(by)[:150]
        )
        _tell(row, f"{by} asked for it.")
        _ring(connection)
    return row


def pause(row: Backfill, by: Any) -> None:
    """Raises ``ValueError`` when it is ended already."""
    _switch(row, Backfill.AT_WORK, State.PAUSED, f"{by} paused it.")


def resume(row: Backfill, by: Any) -> None:
    """Go on where it was paused. Raises ``ValueError`` when it was not."""
    _switch(row, (State.PAUSED,), State.WAITING, f"{by} resumed it.")
    _ring(row.connection)


def stop(row: Backfill, by: Any) -> None:
    """Read no more of it; what was read stays. Raises ``ValueError`` when it is ended already."""
    _switch(row, Backfill.OPEN, State.STOPPED, f"{by} stopped it.", finished_at=timezone.now())
    ensure_jobs()


def _switch(row: Backfill, before: tuple[str, ...], after: State, said: str, **fields: Any) -> None:
    with transaction.atomic():
        if not Backfill.objects.filter(pk=row.pk, state__in=before).update(
            state=after, going_since=None, **fields
        ):
            raise ValueError(
                f"It is {Backfill.objects.get(pk=row.pk).get_state_display()}; look at it again."
            )
        _tell(row, said)


def _tell(row: Backfill, said: str) -> None:
    note("backfill", [(row.pk, said, None)], timezone.now())


def _ring(connection: Connection) -> None:
    ensure_jobs()
    ring_pulls(connection, ["backfill"])


# -- the job --


def work(job: Job, progress: Progress) -> None:
    """One turn at the connection's oldest backfill; of all connections, one is at it at a time."""
    connection = job.connection
    assert connection is not None, "a backfill reads a connection"
    row = Backfill.objects.filter(connection=connection, state__in=Backfill.AT_WORK).order_by("pk").first()
    if row is None:
        ensure_jobs()
        return
    others = Job.objects.filter(name="backfill", lease_until__gt=Now()).exclude(pk=job.pk)
    if others.exists():
        keep(job, due_at=in_(PAUSE))
        return
    with opened(connection, Heartbeat(job)) as connector, careful(job):
        _begin(row, connector)
        if row.total is not None:
            progress.expect(max(0, row.total - row.done))
        if _read(job, row, connector, progress):
            _end(row)
    keep(job, due_at=in_(PAUSE))


def _begin(row: Backfill, connector: Connector) -> None:
    if row.state == State.RUNNING:
        return
    count = getattr(connector, f"count_{row.kind}", None)
    if row.total is None and count is not None:
        row.total = count(row.since, row.until)
    row.going_since, row.done_before = timezone.now(), row.done
    row.state = State.RUNNING
    Backfill.objects.filter(pk=row.pk, state=State.WAITING).update(
        state=State.RUNNING, total=row.total, going_since=row.going_since, done_before=F("done")
    )


def _read(job: Job, row: Backfill, connector: Connector, progress: Progress) -> bool:
    """Read until the turn is over or somebody stops it. Returns whether it came to the end."""
    clock = time.monotonic()
    for page in _pages(connector, row):
        number = len(page.found) + len(page.rejected)
        counts = apply_page(
            row.connection,
            row.kind,
            page,
            began=db_now(),
            then=partial(_store, job, row, page.cursor, number),
        )
        row.counts = dict(Counter(row.counts) + counts)
        Backfill.objects.filter(pk=row.pk).update(counts=row.counts)
        progress.add(counts)
        if time.monotonic() - clock > TURN or not _wanted(row):
            return False
    return _wanted(row)


def _pages(connector: Connector, row: Backfill) -> Iterator[Page[Any]]:
    """The pages of the span. Where only the whole can be read, what is outside is left out of each."""
    cursor = row.cursor or None
    if (read := getattr(connector, f"read_{row.kind}", None)) is not None:
        yield from read(row.since, row.until, cursor)
        return
    for page in getattr(connector, f"pull_{row.kind}")(cursor):
        yield replace(page, found=tuple(each for each in page.found if _within(each.record, row)))


def _within(record: Any, row: Backfill) -> bool:
    return bool(row.since <= getattr(record, DATED[row.kind]) < row.until)


def _store(job: Job, row: Backfill, cursor: str, number: int) -> None:
    """With the page: how far it came. Raises ``LeaseLost``."""
    keep(job, attempts=1)
    Backfill.objects.filter(pk=row.pk).update(cursor=cursor, done=F("done") + number)
    row.cursor, row.done = cursor, row.done + number


def _wanted(row: Backfill) -> bool:
    return Backfill.objects.filter(pk=row.pk, state=State.RUNNING).exists()


def _end(row: Backfill) -> None:
    with transaction.atomic():
        ended = Backfill.objects.filter(pk=row.pk, state=State.RUNNING).update(
            state=State.DONE, finished_at=timezone.now(), going_since=None
        )
        if ended:
            new, changed = row.counts.get("new", 0), row.counts.get("changed", 0)
            _tell(row, f"Read to the end: {row.done} in all, {new} of them new, {changed} changed.")
            ring_pulls(row.connection, ["gaps"])
    ensure_jobs()
