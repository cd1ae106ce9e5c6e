"""What workers run. Each task has integers as arguments; the rows say what there is to do."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.utils import timezone

from portal.connections.services import redacted, rest_after
from portal.plugins.failures import charge
from portal.plugins.manager import FOREIGN, plugins
from portal.plugins.memory import watched
from portal.sdk import MustWait, PortalError
from portal.sync import backfill, gaps, invariants, plugin_jobs, retention, statistics, suspects
from portal.sync.clock import db_now
from portal.sync.deliver import deliver
from portal.sync.doors import knock
from portal.sync.health import recovered, trouble, usable
from portal.sync.hooks import renew
from portal.sync.leases import LeaseLost, give_back, let_go, take
from portal.sync.models import Job
from portal.sync.outage import AWAY, once_it_answers
from portal.sync.progress import Progress
from portal.sync.pull import check, pull
from portal.sync.pump import sing
from portal.sync.reread import work_off
from portal.sync.sweep import sweep
from portal.sync.switched import jobs_switched_off
from portal.sync.tell import tell

logger = logging.getLogger(__name__)

WORK: dict[str, Callable[[Job, Progress], None]] = {
    "pull": pull,
    "check": check,
    "backfill": backfill.work,
    "gaps": gaps.work,
    "inbox": work_off,
    "hooks": renew,
    "deliver": deliver,
    "invariants": invariants.work,
    "retention": retention.work,
    "statistics": statistics.work,
    "plugin": plugin_jobs.run,
    "tell": tell,
}


def answer(job_id: int) -> str:
    """Do what is due for one job. Harmless when nothing is, or when somebody else is at it."""
    try:
        job = take(job_id)
    except AWAY:
        once_it_answers(partial(let_go, job_id))
        raise
    if job is None:
        return "nothing due"
    progress = Progress(job)
    try:
        return _answer(job, progress)
    except AWAY as error:
        logger.exception("The database failed during the job %s.", job)
        said = PortalError(f"The portal's own database failed in between: {error}")
        once_it_answers(partial(_failed, job, progress, said))
        return f"failed: {said}"


def canary(beat: int) -> None:
    """A sign of life through broker, cluster, worker and database."""
    sing(beat)


def tick() -> None:
    """The one schedule: what the pump does all the time is done once a minute without it."""
    sweep()


def _answer(job: Job, progress: Progress) -> str:
    """Do the work, and give the job back as it came out. Raises only when the database fails."""
    connection = job.connection
    if Job.objects.filter(jobs_switched_off(), pk=job.pk).exists():
        give_back(job)
        return "switched off"
    if connection is not None and not usable(connection):
        give_back(job, due_at=connection.resting_until or db_now())
        return "resting"
    try:
        suspects.refuse(job)
        _work(job, progress)
    except LeaseLost as lost:
        progress.finish(str(lost))
        return "lease lost"
    except MustWait as error:
        return _waits(job, progress, error)
    except suspects.EndsWorkers as error:
        _failed(job, progress, error, attempts=suspects.MOST_DEATHS - 1)
        return f"failed: {error}"
    except PortalError as error:
        _failed(job, progress, error)
        return f"failed: {error}"
    except FOREIGN as error:
        logger.exception("The job %s failed.", job)
        charge(error, partial(redacted, connection) if connection is not None else str)
        said = f"An unforeseen error stopped the job: {type(error).__name__}: {error}"
        bug = PortalError(redacted(connection, said) if connection is not None else said)
        _failed(job, progress, bug, attempts=1)  # the next one reads carefully
        return f"failed: {bug}"
    progress.finish()
    give_back(job, last_ok_at=timezone.now(), failures=0, last_error="", attempts=0)
    suspects.acquit(job)
    if connection is not None and job.name.startswith(("pull:", "check:")):
        recovered(connection)  # the others may have found nothing to do, and so have proven nothing
    _again(job)
    return ", ".join(f"{count} {name}" for name, count in progress.counts.items() if count) or "nothing new"


def _work(job: Job, progress: Progress) -> None:
    area, _, rest = job.name.partition(":")
    plugin = plugins().owner_of(job.connection.connector) if job.connection else ""
    if area in ("plugin", "tell"):
        plugin = rest.partition(":")[0]
    with watched(plugin):
        WORK[area](job, progress)


def _waits(job: Job, progress: Progress, error: MustWait) -> str:
    """Its turn comes later: nothing has failed, and no worker stands by for it."""
    progress.finish()
    assert job.connection is not None, "only calls to a connection are paced"
    trouble(job.connection, error)
    give_back(job, due_at=job.connection.resting_until or db_now())
    return f"waits: {error}"


def _failed(job: Job, progress: Progress, error: PortalError, **fields: object) -> None:
    """Remember why, and come back later: when the remote said, else after a doubling wait."""
    progress.finish(str(error))
    connection = job.connection
    if connection is not None and error.whole_connection:
        trouble(connection, error)
        due_at = connection.resting_until or db_now()  # it may have come back this very moment
    else:
        due_at = db_now() + min(rest_after(job.failures, error), timedelta(seconds=job.every * 5))
    give_back(job, failures=job.failures + 1, last_error=str(error), due_at=due_at, **fields)


def _again(job: Job) -> None:
    """Somebody rang while we were at it, or the budget ended before the work did."""
    if Job.objects.filter(pk=job.pk, due_at__lte=db_now()).exists():
        knock([job.pk])
