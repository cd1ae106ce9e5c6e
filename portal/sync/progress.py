"""The run that a job leaves behind: written as soon as there is something to tell, renewed as it goes."""

from __future__ import annotations

import time
from collections import Counter

from django.utils import timezone

from portal.records.plain import clean
from portal.sync.models import Job, Run

EVERY = 1.0
"""Seconds between two times that the counts of a run at work are written."""


class Progress:
    """Counts of one execution. An execution that finds nothing to do leaves no run."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._began = timezone.now()
        self._run: Run | None = None
        self._written = -EVERY
        self.counts: Counter[str] = Counter()

    def add(self, counts: Counter[str]) -> None:
        self.counts.update(counts)
        if any(value for name, value in self.counts.items() if name != "unchanged"):
            run = self._running()
            run.counts = {name: value for name, value in self.counts.items() if value}
            if time.monotonic() - self._written >= EVERY:
                run.save(update_fields=["counts", "total"])
                self._written = time.monotonic()

    def expect(self, total: int) -> None:
        """There is so much to do."""
        self._running().total = total

    def say(self, sentence: str) -> None:
        """What a plugin's own job has to tell; one that says nothing leaves no run. Raises ``TypeError``."""
        if not isinstance(sentence, str):
            raise TypeError(f"it returned {sentence!r}; a job returns a sentence for its run")
        if sentence:
            self._running().said = clean(sentence)

    def finish(self, error: str = "") -> None:
        if error:
            self._running()
        if self._run is not None:
            self._run.state = Run.State.FAILED if error else Run.State.DONE
            self._run.error = error
            self._run.finished_at = timezone.now()
            self._run.save(update_fields=["counts", "said", "state", "error", "finished_at"])

    def _running(self) -> Run:
        if self._run is None:
            self._run = Run.objects.create(job=self._job, started_at=self._began)
        return self._run
