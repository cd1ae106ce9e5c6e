"""Taking, keeping and giving back the lease of a job."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now

from portal.sync.clock import in_, unleased
from portal.sync.models import Job
from portal.sync.workers import machine, my_name, surely_dead

LEASE = timedelta(seconds=60)


class LeaseLost(Exception):
    """Another worker has taken the job over; what this one was about to store is rolled back."""


def take(job_id: int) -> Job | None:
    """The job with a fresh lease and a higher fence, if it is due and nobody works on it; else None.

    Its next turn is set before its work begins, so that a ring during the work brings it forward again.
    """
    with transaction.atomic():
        job = Job.objects.select_related("connection").filter(pk=job_id, enabled=True).first()
        if job is None:
            return None
        taken = Job.objects.filter(
            unleased(), pk=job_id, enabled=True, due_at__lte=Now(), fence=job.fence
        ).update(
            lease_until=in_(LEASE),
            worker=my_name(),
            fence=job.fence + 1,
            attempts=F("attempts") + 1,
            due_at=in_(timedelta(seconds=job.every)),
            rung_at=None,
        )
        job.fence += 1
        job.attempts += 1
    return job if taken else None


def keep(job: Job, *, lease: timedelta = LEASE, **fields: object) -> None:
    """Prolong the lease, and store ``fields`` with it. Raises ``LeaseLost``."""
    kept = Job.objects.filter(pk=job.pk, fence=job.fence).update(lease_until=in_(lease), **fields)
    if not kept:
        raise LeaseLost(f"{job} was taken over by another worker.")


class Heartbeat:
    """Prolongs a job's lease now and then: a page may take many calls, each of them shorter than the lease."""

    EVERY = 5.0

    def __init__(self, job: Job) -> None:
        self._job = job
        self._last = time.monotonic()

    def __call__(self) -> None:
        """Before each call. Raises ``LeaseLost``."""
        if time.monotonic() - self._last > self.EVERY:
            keep(self._job)
            self._last = time.monotonic()


def give_back(job: Job, **fields: object) -> None:
    """End the lease, if it is still ours, and store ``fields`` with it: who gives a job back has not died of it."""
    fields = {"attempts": job.attempts - 1} | fields
    Job.objects.filter(pk=job.pk, fence=job.fence).update(lease_until=None, rung_at=None, **fields)


def let_go(job_id: int) -> None:
    """End the lease that this process may have taken, when the database failed before it said so; the job is due."""
    mine = Job.objects.filter(pk=job_id, worker=my_name(), lease_until__gt=Now())
    mine.update(lease_until=None, due_at=Now())


def take_back() -> int:
    """End the leases of workers of this machine that are surely dead; their jobs are due. Returns how many.

    The moment of the lease stays, from which the next worker sees that the one before it did not come to an end.
    """
    held = Job.objects.filter(lease_until__gt=Now(), worker__endswith=machine())
    dead = surely_dead(held.values_list("worker", flat=True))
    return (
        held.filter(worker__in=dead).update(lease_until=Now(), due_at=Least(F("due_at"), Now()))
        if dead
        else 0
    )
