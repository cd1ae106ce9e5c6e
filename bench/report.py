"""The figures as a table and a chart, put into docs/performance.md between its two marks."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from bench.contest import Spread, Standing
from bench.stage import ROOT

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "images" / "performance.svg"
MARKS = re.compile(r"(<!-- measured -->\n).*?(<!-- /measured -->)", re.DOTALL)


@dataclass(frozen=True)
class Row:
    """One line of the table of goals. ``met`` is None where it could not be measured; ``why`` explains a miss."""

    what: str
    goal: str
    figure: str
    met: bool | None
    why: str = ""

    def line(self) -> str:
        verdict = {True: "✓", False: "miss", None: "–"}[self.met]
        why = "" if self.met else f": {self.why}"
        return f"| {self.what} | {self.goal} | {self.figure} | {verdict}{why} |"


def times(spread: Spread, digits: int = 2) -> str:
    return f"{spread.middle:.{digits}f} × ({spread.least:.{digits}f}–{spread.most:.{digits}f})"


def tables(standings: Sequence[Standing], rows: Sequence[Row], conditions: str) -> str:
    """The goals, and what each candidate did."""
    return f"{_conditions(conditions)}\n\n{_goals(rows)}\n\n{_standings(standings)}\n"


def write(measured: str, standings: Sequence[Standing]) -> None:
    """Put the tables into the page, and draw the chart."""
    CHART.write_text(chart(standings), encoding="utf-8")
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(MARKS.sub(lambda marks: marks[1] + measured + marks[2], page), encoding="utf-8")


def _conditions(conditions: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {memory:.0f} GB, "
        f"Python {platform.python_version()}. {conditions}"
    )


def _goals(rows: Sequence[Row]) -> str:
    head = "| measured | goal | figure: median (least–most) | |\n|---|---|---|---|"
    return "\n".join([head, *(row.line() for row in rows)])


def _standings(standings: Sequence[Standing]) -> str:
    lines = [
        "| | orders a second | CPU an order, ms | of it database and queue | memory, MB | lost | doubled |",
        "|---|---|---|---|---|---|---|",
    ]
    for standing in standings:
        name, results = standing.candidate.name, standing.results
        if not results:
            lines.append(f"| {name} | did not get through | | | | | |")
            continue
        rate, cpu = Spread.of([r.rate for r in results]), Spread.of([r.cpu.total for r in results])
        served = Spread.of([r.cpu.served for r in results])
        lines.append(
            f"| {name} | {rate:.0f} | {cpu:.2f} | {served.middle:.2f} | {max(r.memory for r in results):.0f} "
            f"| {sum(r.lost for r in results)} | {sum(r.doubled for r in results)} |"
        )
    return "\n".join(lines)


COLOURS = {"portal": "#4f46e5", "queue": "#94a3b8", "script": "#cbd5e1"}


def chart(standings: Sequence[Standing]) -> str:
    """Bars of orders a second, with the spread as a line; the portal's in colour."""
    shown = [standing for standing in standings if standing.results]
    rates = {id(each): Spread.of([result.rate for result in each.results]) for each in shown}
    most = max((spread.most for spread in rates.values()), default=1.0)
    height, left, width = 26, 250, 460
    bars = []
    for place, standing in enumerate(shown):
        rate, top = rates[id(standing)], place * height + 34
        reach, low, high = (value / most * width for value in (rate.middle, rate.least, rate.most))
        bars.append(
            f'<text x="{left - 8}" y="{top + 12}" text-anchor="end">{escape(standing.candidate.name)}</text>'
            f'<rect x="{left}" y="{top}" width="{reach:.1f}" height="16" rx="2" '
            f'fill="{COLOURS[standing.candidate.group]}"/>'
            f'<path d="M{left + low:.1f} {top + 8}H{left + high:.1f}" stroke="#0f172a" stroke-width="1.5"/>'
            f'<text x="{left + high + 6:.1f}" y="{top + 12}">{rate.middle:.0f}</text>'
        )
    total = len(shown) * height + 44
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {total}" font-family="sans-serif" '
        f'font-size="12" fill="#0f172a"><rect width="780" height="{total}" fill="#fff"/>'
        '<text x="16" y="20" font-size="14">Orders a second, poll → delivered (median, with least and most)'
        f"</text>{''.join(bars)}</svg>\n"
    )


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))
