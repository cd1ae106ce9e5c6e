"""Job traps: what would be rung for is caught instead, told, and run in line when the test says so.

For tests that run in the portal (``DJANGO_SETTINGS_MODULE = "config.settings"``, the plugin installed)::

    with trapped_jobs() as trap:
        trap.tick()                          # what the pump does all the time
    trap.assert_rung("plugin:acme:count")
    trap.run()
    assert Note.objects.count() == 1

The portal's queue holds nothing but rings at doors: a task with a job's number, which may be lost or doubled. So a
test says which jobs would be rung for, and what happens when they are. No broker and no worker is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from django.apps import apps
from django.test import TestCase
from django.utils.module_loading import import_string
from django_q.signing import SignedPackage

MOST_RUNS = 1000
"""Rings that one ``run`` answers before it takes them for a circle."""

# By name, as they stand on the queue: this kit knows no room of the portal.
RING, TICK, MAKE_JOBS = "portal.sync.tasks.answer", "portal.sync.tasks.tick", "portal.sync.jobs.ensure_jobs"


@dataclass(frozen=True, slots=True)
class Ring:
    """One task as it would have stood on the queue. ``job`` is the name of the job that it rings for, such as
    ``plugin:acme:count``; for a task that is no ring it is the name of the function."""

    job: str
    connection: str
    task: str
    args: tuple[Any, ...]

    def __str__(self) -> str:
        return f"{self.job} of {self.connection}" if self.connection else self.job


class Trap:
    """``rings`` are those caught and not yet run, in their order."""

    def __init__(self) -> None:
        self.rings: list[Ring] = []
        self.list_key = "trap"

    @property
    def names(self) -> list[str]:
        return [ring.job for ring in self.rings]

    def enqueue(self, package: str) -> str:
        """What a broker does; called by the queue's own code."""
        task = SignedPackage.loads(package)
        self.rings.append(_ring(task["func"], tuple(task["args"])))
        return ""

    def tick(self) -> None:
        """Ring for all that is due, as the portal does all the time; jobs that are missing are made first."""
        with catching(self):
            import_string(MAKE_JOBS)()
            import_string(TICK)()

    def assert_rung(self, *jobs: str) -> None:
        """Raises ``AssertionError`` with a sentence unless each of these jobs was rung for."""
        for job in jobs:
            assert job in self.names, f"Nobody rang for {job}; there were {self._told()}."

    def assert_not_rung(self, *jobs: str) -> None:
        """Raises ``AssertionError`` with a sentence when one of these jobs was rung for."""
        for job in jobs:
            assert job not in self.names, f"Somebody rang for {job}, which ought to wait for its turn."

    def run(self, *jobs: str) -> list[tuple[str, str]]:
        """Answer the rings of these jobs (none named: all), and those that they lead to, here and now.

        Returns for each the job's name and what it said. Raises ``AssertionError`` when it does not end.
        """
        said: list[tuple[str, str]] = []
        with catching(self):
            while ring := next((each for each in self.rings if not jobs or each.job in jobs), None):
                self.rings.remove(ring)
                assert len(said) < MOST_RUNS, f"The jobs ring for each other without an end; last for {ring}."
                said.append((ring.job, str(import_string(ring.task)(*ring.args))))
        return said

    def _told(self) -> str:
        return ", ".join(map(str, self.rings)) or "no rings at all"


@contextmanager
def trapped_jobs() -> Iterator[Trap]:
    """Catch every ring of the block, also those that wait for its transaction to be committed."""
    trap = Trap()
    with catching(trap):
        yield trap


@contextmanager
def catching(trap: Trap) -> Iterator[None]:
    # A test's transaction is never committed, so what waits for that is done at the end of the block.
    with patch("django_q.tasks.get_broker", lambda *_: trap), TestCase.captureOnCommitCallbacks(execute=True):
        yield


def _ring(task: str, args: tuple[Any, ...]) -> Ring:
    jobs: Any = apps.get_model("sync", "Job")
    job = jobs.objects.select_related("connection").filter(pk=args[0]).first() if task == RING else None
    if job is None:
        return Ring(task, "", task, args)
    return Ring(job.name, str(job.connection or ""), task, args)
