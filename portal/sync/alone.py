"""Sending one suspect in a process of its own: it was in hand when workers were lost, and may be what ends them.

If it does end this process, then that is certain, and the worker that waits for it lives on and counts it. A
worker that is killed by somebody else never counts against what it had in hand.
"""

from __future__ import annotations

import ctypes
import logging
import os
import select
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connections
from django.db.models import F

from portal.connections.services import opened, redacted
from portal.plugins.failures import charge
from portal.sdk import OutcomeUnknown
from portal.sync.decide import Outcome
from portal.sync.lanes import Share
from portal.sync.models import Job, Operation
from portal.sync.progress import Progress
from portal.sync.settle import settle

logger = logging.getLogger(__name__)

MOST_LOST = 4
"""Processes, the workers before it was suspected included, that an operation may cost."""

PATIENCE = 120.0
"""Seconds after which a call hangs: every call has a deadline far below it."""

BEAT = 5.0
_PR_SET_PDEATHSIG = 1
_inherited: list[Any] = []


class EndedItsProcess(Exception):
    """What is laid to the connector when an operation was given up for it."""


def send_alone(job: Job, operation: Operation, sender: type[Any], beat: Callable[[], None]) -> None:
    """Send or look up the claimed operation in a process of its own; settle it there, or here when that was
    ended. ``beat`` is called every few seconds of waiting."""
    ended = _in_a_process(partial(_send, job, operation, sender), beat)
    if not ended:
        return
    logger.error("Sending %s ended its process: %s.", operation.op_key, ended)
    Operation.objects.filter(pk=operation.pk).update(workers_lost=F("workers_lost") + 1)
    lost = operation.workers_lost + 1
    said = f"Sending it ended its process, {lost} times in all; the last one {ended}."
    result = EndedItsProcess(said) if lost >= MOST_LOST else OutcomeUnknown(said)
    settle(operation.connection, [Outcome(operation, result)])


def _send(job: Job, operation: Operation, sender: type[Any]) -> None:
    connection, progress = operation.connection, Progress(job)
    with (
        opened(connection) as connector,
        ThreadPoolExecutor(1) as pool,
        sender(connector, pool, Share(job, 1)) as sending,
    ):
        outcomes = [future.result() for future in sending.send([operation], progress)]
    for outcome in outcomes:
        charge(outcome.result, partial(redacted, connection))
    progress.add(settle(connection, outcomes))
    progress.finish()


def _in_a_process(work: Callable[[], None], beat: Callable[[], None]) -> str:
    """How the process ended that did the work, in words; empty when it came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for each in connections.all(initialized_only=True):
                _inherited.append(each.connection)  # the parent's: not to be closed from here
                each.connection = None
            work()
            status = 0
        except BaseException:
            logger.exception("The process for one operation failed.")
        finally:
            os._exit(status)
    watched, end, hung = os.pidfd_open(child), time.monotonic() + PATIENCE, True
    try:
        ear = select.poll()
        ear.register(watched, select.POLLIN)
        while (left := end - time.monotonic()) > 0 and (hung := not ear.poll(min(left, BEAT) * 1000)):
            beat()
    finally:
        os.close(watched)
        if hung:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    if hung:
        return f"hung for {PATIENCE:g} seconds"
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}" if code else ""
