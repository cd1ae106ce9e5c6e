"""Workers that are killed all the time. Each is a process of its own that takes rings from the stack's broker and
answers them, as the cluster's workers do; without the cluster around it a killed one is replaced at once."""

from __future__ import annotations

import logging
import os
import pydoc
import random
import time
import traceback
from collections.abc import Callable
from typing import Self

from django.db import DatabaseError, connections
from django_q.brokers import get_broker
from django_q.signing import SignedPackage

from portal.sync.pump import turn
from portal.testing.processes import kill

logger = logging.getLogger(__name__)

PAUSE = 0.25


def work() -> None:
    """A worker's life."""
    broker = get_broker()
    while True:
        try:
            for ring, package in broker.dequeue() or ():
                task = SignedPackage.loads(package)
                pydoc.locate(task["func"])(*task["args"], **task["kwargs"])  # type: ignore[operator]
                broker.acknowledge(ring)
        except Exception:
            logger.exception("The worker goes on.")
            connections.close_all()
            time.sleep(PAUSE)


def pump() -> None:
    """A pump's life."""
    while True:
        try:
            turn()
        except DatabaseError:
            logger.exception("The pump goes on.")
            connections.close_all()
        time.sleep(PAUSE)


class Herd:
    """Keeps so many processes of each life running: ``Herd(work, work, pump)``. ``kills`` are counted."""

    def __init__(self, *lives: Callable[[], None]) -> None:
        connections.close_all()
        self._dice = random.Random(11)
        self.kills = 0
        self._lives = {self._born(life): life for life in lives}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for pid in self._lives:
            kill(pid)
            os.waitpid(pid, 0)

    def kill_one(self) -> None:
        """Kill -9 one of them, whatever it is doing, and put another in its place."""
        pid = self._dice.choice(list(self._lives))
        kill(pid)
        os.waitpid(pid, 0)
        self.kills += 1
        life = self._lives.pop(pid)
        connections.close_all()
        self._lives[self._born(life)] = life

    @staticmethod
    def _born(life: Callable[[], None]) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            life()
        except BaseException:
            traceback.print_exc()
        os._exit(1)
