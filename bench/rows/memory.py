"""The memory of the workers while they work through many orders in one go."""

from __future__ import annotations

import time

from bench.candidates import Candidate
from bench.contest import STALL, WARM_UP, Stalled, running, until
from bench.gauge import memory_mb
from bench.stage import Stage

STEPS = 10


def growth(stage: Stage, candidate: Candidate, orders: int) -> list[float]:
    """MB of the cluster after each tenth of the orders."""
    stage.ask("/reset", {"orders": WARM_UP})
    with running(stage, candidate) as its:
        its.push()
        until(stage, WARM_UP)
        cluster, measured = its.pids[1], []
        stage.ask("/reset", {"orders": WARM_UP + orders})
        its.push()
        moved, last = time.monotonic(), 0
        while len(measured) < STEPS:
            done = stage.ask("/log")["done"]
            if done > last:
                moved, last = time.monotonic(), done
            elif time.monotonic() - moved > STALL:
                raise Stalled(f"{done} of {orders} orders arrived.")
            if done >= orders * (len(measured) + 1) / STEPS:
                measured.append(memory_mb([cluster]))
            time.sleep(0.05)
    return measured
