"""Several workers delivering to one connection: lanes, each a job with a lease of its own.

The first lane is rung for. The others are called by one that has more to send than it can, and end soon, so
that other connections' jobs get their turn. What they claim is disjoint, the order within a record is kept by
the claim, and together they have no more calls in flight than the connector allows.
"""

from __future__ import annotations

import time
from threading import Semaphore

from django.db.models.functions import Now

from portal.sync.doors import ring_lanes
from portal.sync.models import Job

FIRST = "deliver"
OTHERS = ("deliver:2", "deliver:3", "deliver:4")

HELP_AGAIN = 1.0
"""Seconds between two calls for help."""


def lanes(in_flight: int) -> tuple[str, ...]:
    """The lanes of a connector with so many calls in flight: each has one at least."""
    return (FIRST, *OTHERS)[:in_flight]


class Share:
    """A lane's part of the calls that may be in flight; a call is made holding it.

    When another lane begins, this one gives way as its calls end: for a moment there may be more.
    """

    def __init__(self, job: Job, in_flight: int) -> None:
        self._job, self._most = job, in_flight
        self._slots, self._left_to_others = Semaphore(in_flight), 0
        self._called = 0.0

    def __enter__(self) -> None:
        self._slots.acquire()

    def __exit__(self, *_: object) -> None:
        self._slots.release()

    def adjust(self) -> None:
        """Leave their part to the lanes that are at work now."""
        at_work = Job.objects.filter(
            connection=self._job.connection_id, name__in=(FIRST, *OTHERS), lease_until__gt=Now()
        ).count()
        wanted = self._most - max(1, self._most // max(1, at_work))
        while self._left_to_others < wanted and self._slots.acquire(blocking=False):
            self._left_to_others += 1
        while self._left_to_others > wanted:
            self._slots.release()
            self._left_to_others -= 1

    def call_help(self) -> None:
        """There is more to send than this worker can."""
        connection = self._job.connection
        if connection is not None and time.monotonic() - self._called > HELP_AGAIN:
            self._called = time.monotonic()
            ring_lanes(connection, [name for name in lanes(self._most)[1:] if name != self._job.name])
