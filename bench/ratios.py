"""Ratios between candidates, taken within one round, and the rows of the table made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench.contest import Result, Spread, Standing
from bench.report import Row, times

CPU_BOUND = "CPU is the limit here: the portal's own Python, and the database, on cores that they share with the test-bed"


def rate(result: Result) -> float:
    return result.rate


def cpu(result: Result) -> float:
    return result.cpu.total


def ratios(ours: Standing, theirs: Sequence[Standing], of: Callable[[Result], float]) -> Spread | None:
    """Ours to the best of theirs, round by round; the best is the greatest rate or the least CPU."""
    best = min if of is cpu else max
    beside = [each for each in theirs if len(each.results) == len(ours.results)]
    if not ours.results or not beside:
        return None
    return Spread.of(
        [
            of(result) / best(of(each.results[number]) for each in beside)
            for number, result in enumerate(ours.results)
        ]
    )


def row(
    what: str,
    ours: Standing,
    theirs: Sequence[Standing],
    of: Callable[[Result], float] = rate,
    *,
    least: float | None = None,
    most: float | None = None,
    goal: str = "",
    why: str = CPU_BOUND,
) -> Row:
    """The row of a ratio that should be ``least`` or more, or ``most`` or less; without either it is only told."""
    text = goal or (f"≥ {least:g} ×" if least is not None else f"≤ {most:g} ×" if most is not None else "–")
    spread = ratios(ours, theirs, of)
    if spread is None:
        failed = [each for each in (ours, *theirs) if each.failure]
        reason = "; ".join(f"{each.candidate.name}: {each.failure}" for each in failed)
        return Row(what, text, "", None, reason.partition("\n")[0][:200] or "nothing was measured")
    met = (least is None or spread.middle >= least) and (most is None or spread.middle <= most)
    return Row(what, text, times(spread), met, why)
