"""Reading a connection: page by page, each page stored in one transaction that also moves the cursor."""

from __future__ import annotations

import time
from collections import Counter
from functools import partial

from django.db import transaction

from portal.connections.services import opened
from portal.sync.apply import apply_page, tie_waiting
from portal.sync.clock import db_now
from portal.sync.doors import ring_pulls
from portal.sync.flows import is_master
from portal.sync.leases import Heartbeat, keep
from portal.sync.levels import after_round, clear_doubts, read_for_doubts_again
from portal.sync.models import Job
from portal.sync.progress import Progress
from portal.sync.stock import route_differences
from portal.sync.suspects import careful
from portal.sync.together import together

BUDGET = 120.0
"""Seconds of reading after which the job comes back for the rest: a worker is not kept from the others."""


def pull(job: Job, progress: Progress) -> None:
    """Read on from the cursor: what has changed since the last stored page."""
    _read(job, progress, moving=True)


def check(job: Job, progress: Progress) -> None:
    """Read everything, whatever was announced, and leave the cursor alone."""
    _read(job, progress, moving=False)


def _read(job: Job, progress: Progress, *, moving: bool) -> None:
    connection, kind = job.connection, job.name.partition(":")[2]
    assert connection is not None, "only jobs of a connection read"
    began, clock = db_now(), time.monotonic()
    round_began = (moving and job.round_began_at) or began
    with opened(connection, Heartbeat(job)) as connector, careful(job):
        pages = getattr(connector, f"pull_{kind}")(job.cursor or None if moving else None)
        counts: Counter[str] = Counter()
        if kind == "stock":
            # After a death each page that is stored tells that it has cost no worker.
            alive = job.attempts < 2
            pages = together(
                pages, lambda: alive and counts["unchanged"] > 20 * (counts["new"] + counts["changed"])
            )
        for page in pages:
            place = {"cursor": page.cursor, "round_began_at": round_began} if moving and page.cursor else {}
            # A page that is stored has cost no worker.
            then = partial(keep, job, attempts=1, **place)
            counts = apply_page(connection, kind, page, began=began, then=then)
            progress.add(counts)
            if moving and kind == "stock" and counts["overtaken"] + counts["older"]:
                ring_pulls(connection, [f"check:{kind}"])
            if moving and time.monotonic() - clock > BUDGET:
                keep(job, due_at=db_now())
                return
    if kind in ("product", "location") and is_master(connection):
        tie_waiting(kind)
    if job.name == "check:stock":
        for _ in route_differences(connection):
            keep(job)
    with transaction.atomic():
        keep(job, last_began_at=round_began, round_began_at=None)
        if job.name == "pull:stock":
            after_round(connection, job.last_began_at, db_now())
        clear_doubts(connection, db_now())
        if round_began < began:
            read_for_doubts_again(connection, job.name, since=round_began)
