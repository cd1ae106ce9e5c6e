"""The table of goals: every part in turn, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator

from bench import parts
from bench.contest import Standing, say
from bench.parts import Measured
from bench.report import Row
from bench.size import Size
from bench.stage import Stage

PARTS: dict[str, Callable[[Stage, Size], Measured]] = {
    "queues": parts.queues,
    "n8n": parts.beside_n8n,
    "dlt": parts.beside_dlt,
    "latency": parts.latency,
    "workers": parts.workers,
    "hosts": parts.hosts,
    "webhooks": parts.hearing,
    "stock": parts.stock,
    "history": parts.history,
    "memory": parts.memory,
}

HEAVY = ("n8n", "dlt")
"""Parts that the short form leaves out."""


def measure(stage: Stage, size: Size, names: Collection[str]) -> Iterator[tuple[list[Standing], list[Row]]]:
    """What was measured so far, after each of these parts. One that fails is a row that says so, and costs the
    others nothing."""
    standings: list[Standing] = []
    rows: list[Row] = []
    began = time.monotonic()
    for number, name in enumerate(names, start=1):
        part, since = PARTS[name], time.monotonic()
        say(f"── {name}, {number} of {len(names)}, after {_minutes(began)}: {part.__doc__}")
        try:
            seen, found = part(stage, size)
        except Exception as error:  # the other parts' figures are not lost for one's sake
            say(f"{type(error).__name__}: {error}")
            why = f"{error}".strip().rpartition("\n")[2]
            rows.append(Row(f"{name}: {part.__doc__}", "", "", None, why[:200]))
            yield standings, rows
            continue
        standings += seen
        rows += found
        for row in found:
            say(row.line())
        say(f"── {name} took {_minutes(since)}.")
        yield standings, rows


def _minutes(since: float) -> str:
    return f"{(time.monotonic() - since) / 60:.1f} min"
