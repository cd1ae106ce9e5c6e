"""Reading and storing alone, without a delivery: what dlt does, and the portal's pull beside it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from bench.candidates import PORTAL_POSTGRES, Candidate
from bench.contest import WARM_UP, Result, Running, Stalled, Standing, in_turns, running
from bench.gauge import Meter, memory_mb
from bench.stage import Stage

DLT = Candidate("dlt, PostgreSQL (reads only)", "bench.candidates.on_dlt", "postgres", group="script")
PULL = replace(PORTAL_POSTGRES, name="portal, PostgreSQL (reads only)", module="bench.portal.pull")


def beside_dlt(stage: Stage, orders: int, count: int) -> list[Standing]:
    """The standings of the portal's pull and of dlt."""

    def run(candidate: Candidate) -> Result:
        stage.ask("/reset", {"orders": WARM_UP})
        with running(stage, candidate, idle=True) as its:
            _read(its)
            stage.ask("/reset", {"orders": WARM_UP + orders})
            meter = Meter(its.pids, stage.server_pids)
            stored = _read(its)
            took = time.time() - stage.ask("/log")["began"]
            cpu, lost = meter.each(orders), WARM_UP + orders - stored
            return Result(orders / took, cpu, memory_mb(its.pids), max(lost, 0), max(-lost, 0))

    candidates: Sequence[Candidate] = (PULL, DLT)
    return in_turns(candidates, count, run)


def _read(its: Running) -> int:
    """The orders that are stored after a reading. Raises ``Stalled``."""
    its.push()
    assert its.go.stdout is not None, "it was asked for"
    said = its.go.stdout.readline().strip()
    if not said.isdigit():
        raise Stalled("It ended while it read.")
    return int(said)
