"""A cluster that runs and does nothing: its idle workers killed at the queue's lock, or processes of it stopped."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

from portal.connections.models import Connection
from portal.runner import Child, Runner
from portal.runner.processes import portal_processes
from portal.sync.doors import ring_inbox
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Beat, Event, Flow, Job
from portal.testing.processes import children, kill
from tests.faults.house import PLACE, busy, connect, flow, tie, wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import order

MOST = 45.0
"""Seconds until something new has reached the remote."""

PATIENCE = 120.0


@row("A stalled cluster under the runner: new work has reached the remote", goal="≤ 45 s, 20 of 20", order=50)
def stalled(stack: Stack, scale: Scale) -> Figure:
    number, dice = scale(20), random.Random(9)
    with Witness() as witness:
        shop, erp = connect(witness, "faultshop", "shop"), connect(witness, "faulterp", "erp", promise="C")
        tie(shop, erp)
        flow("order", shop, erp)
        Flow.objects.update(every=3600)  # between two stories the workers are idle
        ensure_jobs()
        waits = [
            _story(stack, witness, shop, each, STALLS[each % len(STALLS)], dice) for each in range(number)
        ]
        doubled = witness.seen("erp").doubled("order")
    soon = [each for each in waits if each is not None and each <= MOST]
    longest = max((each for each in waits if each is not None), default=0)
    return Figure(
        f"{len(soon)} of {number} within {MOST:g} s, the longest {longest:.0f} s; {len(doubled)} doubled",
        good=len(soon) == number and not doubled,
        notes=(f"seconds: {[each and round(each, 1) for each in waits]}",),
    )


def _story(
    stack: Stack,
    witness: Witness,
    shop: Connection,
    number: int,
    stall: Callable[[int], None],
    dice: random.Random,
) -> float | None:
    """Start the portal, stall its cluster, and tell it something; seconds until the remote has it."""
    names = ("cluster", "pump")
    parts = [Child(each.name, each.command, env=stack.env, cwd=each.cwd) for each in portal_processes(names)]
    Beat.objects.filter(name="canary").delete()
    with Runner(parts, say=lambda *_: None, pause=1.0) as runner:
        if not wait_until(lambda: Beat.objects.filter(name="canary").exists() and _idle(), PATIENCE):
            return None
        time.sleep(dice.uniform(0, 10))  # anywhere between two canaries
        wait_until(_idle, 10, pause=0.02)
        head = runner.pid("cluster")
        assert head is not None, "the cluster has sung a moment ago"
        stall(head)
        began = time.monotonic()
        _tell(witness, shop, number)
        arrived = wait_until(lambda: witness.seen("erp").made("order")[f"o{number}"], PATIENCE)
        spent = time.monotonic() - began
        wait_until(lambda: not busy(), 10)
    return spent if arrived else None


def _idle() -> bool:
    return not busy() and not Job.objects.exclude(lease_until=None).exists()


def _tell(witness: Witness, shop: Connection, number: int) -> None:
    witness.tell("shop", [order(number, location=PLACE)])
    Event.objects.create(
        connection=shop,
        dedupe_key=f"e{number}",
        topic="order",
        kind="order",
        external_id=f"o{number}",
        body=b"",
    )
    ring_inbox(shop)


def _family(head: int) -> tuple[int, list[int], int]:
    """The cluster's sentinel, its workers, and the process that gives them their work."""
    (sentinel,) = children(head)
    *workers, _, pusher = sorted(children(sentinel))
    return sentinel, workers, pusher


def _kill_idle_workers(head: int) -> None:
    """One of them waits at the queue and takes its lock along."""
    for worker in _family(head)[1]:
        kill(worker)


def _stop_all(head: int) -> None:
    os.killpg(head, signal.SIGSTOP)


def _stop_the_pusher(head: int) -> None:
    os.kill(_family(head)[2], signal.SIGSTOP)


def _stop_the_workers(head: int) -> None:
    for worker in _family(head)[1]:
        os.kill(worker, signal.SIGSTOP)


STALLS = (_kill_idle_workers, _stop_all, _stop_the_pusher, _stop_the_workers)
