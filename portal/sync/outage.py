"""The database is away for a moment. A worker that lives keeps what it has in hand, and stores it as soon as the
database answers again; otherwise everybody would wait for its leases to run out."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Event
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from portal.connections.models import Connection
from portal.sync.decide import Outcome
from portal.sync.models import Operation
from portal.sync.outbox import LEASE, keep_leases, let_go
from portal.sync.settle import settle

T = TypeVar("T")

logger = logging.getLogger(__name__)

AWAY = (OperationalError, InterfaceError)
PATIENCE = LEASE.total_seconds()
"""Seconds after which there is nothing left to keep: all leases have run out."""

PAUSE = 0.25


def once_it_answers(work: Callable[[], T]) -> T:
    """Do it, and do it again while the database is away. Raises what it raised last when that takes too long."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except AWAY:
            if connection.in_atomic_block or time.monotonic() > end:
                raise
            connection.close()
            time.sleep(PAUSE)


@contextmanager
def kept_in_hand(target: Connection, stopped: Event) -> Iterator[dict[Future[Outcome], Operation]]:
    """Around sending to ``target``: what is in flight, from which the sender takes what it has settled.

    When the database fails in between, nothing more is begun, and what comes of the rest is settled once it answers:
    by the fence, as ever, so that what others have taken over meanwhile stays theirs.
    """
    flying: dict[Future[Outcome], Operation] = {}
    try:
        yield flying
    except AWAY:
        stopped.set()
        logger.warning("The database failed while %d changes were on their way to %s.", len(flying), target)
        done = {future for future in flying if future.done()}
        _settle(target, done)
        # A call may last nearly as long as a lease, and this one was not prolonged since it began.
        waiting = [operation for future, operation in flying.items() if future not in done]
        once_it_answers(partial(keep_leases, waiting))
        _settle(target, flying.keys() - done)
        once_it_answers(partial(let_go, target))
        raise


def _settle(target: Connection, futures: Iterable[Future[Outcome]]) -> None:
    outcomes = [future.result() for future in futures]
    known = [each for each in outcomes if not isinstance(each.result, MemoryError)]
    once_it_answers(partial(settle, target, known))
