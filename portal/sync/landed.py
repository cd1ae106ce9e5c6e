"""Gathering what comes back from the threads that send, several at once."""

from __future__ import annotations

import math
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from threading import Event

from portal.sync.decide import Outcome


class Landed:
    """Called with each future that is done. Costs the same for one of many in flight as for one alone, which waiting
    for futures does not."""

    def __init__(self) -> None:
        self._done: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._enough = Event()
        self._most = math.inf

    def __call__(self, future: Future[Outcome]) -> None:
        self._done.put(future)
        if self._done.qsize() >= self._most:
            self._enough.set()

    def gather(self, flying: int, *, patience: float, gather: float) -> set[Future[Outcome]]:
        """What is done of so many, once something is, and ``gather`` seconds have passed or all are: the faster the
        remote, the more receipts are stored together. Nothing after ``patience`` seconds without any."""
        try:
            found = {self._done.get(timeout=patience)}
        except Empty:
            return set()
        self._enough.clear()
        self._most = flying - 1
        if self._done.qsize() < self._most:
            self._enough.wait(gather)
        self._most = math.inf
        while not self._done.empty():
            found.add(self._done.get())
        return found
