"""Finding the one object at which worker after worker dies, and keeping it from the next.

Whatever a connector does to its process while it reads an object (it hangs, it eats all memory, it is killed) is
seen only afterwards: the job was taken, and nobody came back. Then the next worker reads carefully. Each object
is written down before the connector gets it; one that was in hand when three workers died, one after the other,
is set aside unread, and its neighbours pass. What was read is innocent: a worker killed from outside rarely has
the same object in hand three times. A connector whose reading cannot be watched costs five workers, then its job
goes slowly.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

from django.utils import timezone

from portal.records.trouble import Trouble
from portal.sdk import PortalError
from portal.sdk.watch import watched
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.models import Job

MOST_DEATHS = 5
MOST_TRIES = 3
"""Deaths with one object in hand; the one before it was watched comes on top."""

TRIED_AGAIN_AFTER = timedelta(days=1)
"""By then the connector may have learnt to read it; what is changed in the remote is tried at once."""

SPARED = ("deliver", "inbox", "plugin", "tell")
"""Jobs that count what they try themselves."""


class EndsWorkers(PortalError):
    """The job is left alone for a while, because nobody who took it came back."""


def refuse(job: Job) -> None:
    """Raises ``EndsWorkers``, and opens a case, when the last workers that took the job all died."""
    if job.attempts <= MOST_DEATHS or job.name.partition(":")[0] in SPARED:
        return
    error = EndsWorkers(
        f"The last {job.attempts - 1} workers that took {job} died of it: killed, out of memory, or hung.",
        mend="Look into the log for what they did last. It is tried again now and then.",
    )
    trouble = Trouble(
        cause="ends-workers",
        key=_subject(job),
        title=f"{job} ends every worker that takes it",
        mend=error.mend,
        subject=_subject(job),
        label=str(job),
        message=error.message,
    )
    open_cases(job.connection, [trouble], timezone.now())
    raise error


def acquit(job: Job) -> None:
    """The job went well."""
    if job.failures:
        settle_subjects([_subject(job)], timezone.now())


def _subject(job: Job) -> str:
    return f"ends-workers:{job.pk}"


@contextmanager
def careful(job: Job) -> Iterator[None]:
    """Around reading: nothing that is known to end workers reaches the connector, and what is new of that kind is
    found when the worker before did not come back."""
    if job.attempts < 2 and not job.suspects:
        yield
        return
    with watched(watch := Watch(job)):
        try:
            yield
        except Exception:
            watch.put_down()  # whatever went wrong, this worker lives
            raise


class Watch:
    """Told of each object. ``job.suspects`` maps digests of objects to [tries, day of the last one]."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._noting = job.attempts > 1
        today, oldest = date.today(), date.today() - TRIED_AGAIN_AFTER  # noqa: DTZ011 - a day more or less is all one
        self._today = today.isoformat()
        self._suspects = {
            digest: (tries, day) for digest, (tries, day) in job.suspects.items() if day >= oldest.isoformat()
        }
        self._in_hand = ""

    def take(self, raw: Mapping[str, Any]) -> str:
        digest = sha256(json.dumps(raw, default=repr, sort_keys=True).encode()).hexdigest()[:16]
        tries, _ = self._suspects.get(digest, (0, ""))
        if tries >= MOST_TRIES:
            if self._noting:
                self._store(attempts=1)  # the workers before have not died for nothing
            return "reading it ended the worker each time: it was killed, ran out of memory, or hung"
        if self._noting:
            self._suspects.pop(self._in_hand, None)  # where the connector went on by another way
            self._in_hand, self._suspects[digest] = digest, (tries + 1, self._today)
            self._store()
        return ""

    def put_down(self) -> None:
        if self._suspects.pop(self._in_hand, None):
            self._store()

    def _store(self, **fields: int) -> None:
        mine = Job.objects.filter(pk=self._job.pk, fence=self._job.fence)
        mine.update(suspects=self._suspects, **fields)
