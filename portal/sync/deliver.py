"""Sending what is due to one connection: claim a chunk, several in flight, receipts stored as they come.

Threads only speak to the remote; the database is touched by the job's own thread alone, and never while
a call is being waited for inside a transaction.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any, Self

from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import opened, redacted
from portal.plugins.failures import charge
from portal.plugins.manager import FOREIGN
from portal.plugins.words import in_words
from portal.sdk import Change, Connector, PortalError
from portal.sdk.connector import Promise
from portal.sdk.records import KINDS
from portal.sync import mark
from portal.sync.alone import PATIENCE, send_alone
from portal.sync.clock import db_now
from portal.sync.decide import NotBegun, Outcome, Result
from portal.sync.landed import Landed
from portal.sync.lanes import FIRST, Share
from portal.sync.leases import LeaseLost, keep
from portal.sync.looking_up import look_up
from portal.sync.models import Job, Operation
from portal.sync.needs import Key, missing, remote_ids, resolve
from portal.sync.outage import kept_in_hand
from portal.sync.outbox import claim, keep_leases
from portal.sync.progress import Progress
from portal.sync.quarantine import unread_sources
from portal.sync.release import release_at
from portal.sync.settle import settle

logger = logging.getLogger(__name__)

BUDGET = 60.0
"""Seconds that one ring works before it lets another job have the worker."""

SHORT_BUDGET = 10.0
"""The same for a lane that only helps."""

HEARTBEAT = 10.0
"""Seconds after which leases are prolonged while the remote is still thinking."""

GATHER = 0.1
"""Seconds that a receipt may wait for others, to be stored with them, while more is in flight."""

MOST_AHEAD = 200
"""Operations claimed at most, sent or about to be sent: so many are in doubt when a worker dies."""


def deliver(job: Job, progress: Progress) -> None:
    """Send until nothing is due, the connection wants a rest, or the budget is used up."""
    connection = job.connection
    assert connection is not None, "a delivery goes to a connection"
    began = renewed = time.monotonic()
    until = began + (BUDGET if job.name == FIRST else SHORT_BUDGET)
    if mark.look():
        raise LeaseLost("The database was set back; the quarantine has taken over all jobs.")
    unread = unread_sources()
    release_at(connection, db_now())
    with (
        opened(connection) as connector,
        ThreadPoolExecutor(connector.in_flight) as pool,
        Sender(connector, pool, Share(job, connector.in_flight)) as sender,
        kept_in_hand(connection, sender.stopped) as flying,
    ):
        stirred = time.monotonic()
        ahead = least = connector.in_flight * 2
        while True:
            room, claimed = ahead - len(flying), []
            if room >= ahead // 2 and not sender.stopped.is_set() and time.monotonic() < until:
                sender.share.adjust()
                claimed = claim(connection, room, not_from=unread)
                flying.update(sender.send(claimed, progress))
                if ahead > least and len(claimed) == room:
                    sender.share.call_help()
            if not flying:
                if claimed:  # all of them lacked a tie; behind them may be some that do not
                    continue
                if not sender.stopped.is_set() and time.monotonic() < until and _send_suspect(job, unread):
                    continue
                break
            done = sender.landed.gather(len(flying), patience=HEARTBEAT, gather=GATHER)
            if done:
                stirred = time.monotonic()
            elif time.monotonic() - stirred > PATIENCE:
                _end_worker("hangs", flying.values())
            if time.monotonic() - renewed > HEARTBEAT:
                keep(job)
                keep_leases(list(flying.values()))
                renewed = time.monotonic()
            outcomes = [future.result() for future in done]
            for outcome in outcomes:
                charge(outcome.result, partial(redacted, connection))
            starved = [each for each in outcomes if isinstance(each.result, MemoryError)]
            progress.add(settle(connection, [each for each in outcomes if each not in starved]))
            for future in done:
                del flying[future]
            if starved:  # nobody knows which of them has eaten the memory
                _end_worker("leaves no memory", [each.operation for each in starved])
            if (
                Promise.NOTHING not in connector.promises.values()
            ):  # there a person would look at each in doubt
                ahead = max(least, min(2 * len(outcomes), MOST_AHEAD))


def _send_suspect(job: Job, unread: Collection[int]) -> bool:
    """Send one that may end its worker, alone. Whether there was one, and the next may follow."""
    assert job.connection is not None, "a delivery goes to a connection"
    claimed = claim(job.connection, 1, not_from=unread, suspect=True)
    if not claimed:
        return False

    def beat() -> None:
        keep(job)
        keep_leases(claimed)

    send_alone(job, claimed[0], Sender, beat)
    return not Connection.objects.filter(pk=job.connection.pk, resting_until__gt=Now()).exists()


def _end_worker(why: str, held: Collection[Operation]) -> None:
    """A thread that hangs ends with its process only; another worker takes over at once."""
    logger.error("Sending %s %s; this worker ends itself.", [each.op_key for each in held], why)
    os._exit(os.EX_TEMPFAIL)


class Sender:
    """Hands operations to threads and turns whatever comes of them into outcomes.

    ``stopped`` is set when every call of the connection would fail now; what has not begun by then is put
    back untouched.
    """

    def __init__(self, connector: Connector, pool: ThreadPoolExecutor, share: Share) -> None:
        self._connector = connector
        self._pool = pool
        self.share = share
        self.stopped = Event()
        self.landed = Landed()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # After an error nobody stores receipts any more: what waits for a thread must not be sent.
        self.stopped.set()

    def send(self, claimed: list[Operation], progress: Progress) -> dict[Future[Outcome], Operation]:
        """What lacks a tie is settled as held without a call."""
        if not claimed:
            return {}
        ties, there = resolve(claimed), remote_ids(claimed)
        held = {}
        for operation in claimed:
            needs_none = operation.state == Operation.State.UNKNOWN and not operation.look_up_first
            lacking = None if needs_none else missing(operation, ties[operation.pk])
            if lacking is not None:
                held[operation.pk] = Outcome(operation, lacking=lacking)
        if held:
            # Before anything is begun: when the database fails here, nobody would store what comes of it.
            progress.add(settle(claimed[0].connection, list(held.values())))
        flying = {}
        for operation in claimed:
            if operation.pk in held:
                continue
            remote_id = there.get((operation.kind, operation.record_id), "")
            future = self._pool.submit(self._work, operation, remote_id, ties[operation.pk])
            future.add_done_callback(self.landed)
            flying[future] = operation
        return flying

    def _work(self, operation: Operation, remote_id: str, ties: Mapping[Key, str]) -> Outcome:
        """In a thread: one call, and whatever came of it. Never raises."""
        with self.share:
            return self._call(operation, remote_id, ties)

    def _call(self, operation: Operation, remote_id: str, ties: Mapping[Key, str]) -> Outcome:
        if self.stopped.is_set():
            return Outcome(operation, NotBegun())
        started, clock = timezone.now(), time.perf_counter()
        result: Result
        try:
            record = KINDS[operation.kind].model_validate(operation.payload)
            change: Change[Any] = Change(operation.op_key, record, remote_id, ties)
            if operation.state == Operation.State.UNKNOWN:
                result = look_up(self._connector, operation, change)
            else:
                result = getattr(self._connector, f"push_{operation.kind}")(change)
        except PortalError as error:
            result = error
            if error.whole_connection:
                self.stopped.set()
        except FOREIGN as error:
            logger.exception("The connector %s failed on %s.", self._connector, operation.op_key)
            bug = error if isinstance(error, Exception) else RuntimeError(in_words(error))
            result = bug.with_traceback(error.__traceback__)
        spent = int((time.perf_counter() - clock) * 1000)
        return Outcome(operation, result, started=started, milliseconds=spent)
