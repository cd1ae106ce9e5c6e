"""`./run bench [--short] [--only PART …]`: everything in turns, into docs/performance.md; or some of it, shown only."""

from __future__ import annotations

import argparse
import time

from bench import report
from bench.contest import say
from bench.size import FULL, SHORT
from bench.stage import Stage
from bench.table import HEAVY, PARTS, measure


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help=f"smaller, without {' and '.join(HEAVY)}: less than ten minutes"
    )
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, metavar="PART", help=f"shown, not written: {', '.join(PARTS)}"
    )
    asked = parser.parse_args()
    size = SHORT if asked.short else FULL
    names = asked.only or [name for name in PARTS if not (asked.short and name in HEAVY)]
    began = time.monotonic()
    with Stage() as stage:
        for number, (standings, rows) in enumerate(measure(stage, size, names), start=1):
            conditions = (
                f"{size.orders:,} orders a run, {size.rounds} rounds in turns, "
                f"{(time.monotonic() - began) / 60:.0f} minutes{', the short form' if size is SHORT else ''}"
                f"{f'; broken off after {names[number - 1]}' if number < len(names) else ''}."
            )
            measured = report.tables(standings, rows, conditions)
            if not asked.only:
                report.write(measured, standings)
    print(measured)
    if not asked.only:
        say(f"Written to {report.relative(report.PAGE)} and {report.relative(report.CHART)}.")


if __name__ == "__main__":
    main()
