"""`./run bench [--short]`: everything in turns, into docs/performance.md."""

from __future__ import annotations

import argparse
import time

from bench import report
from bench.contest import say
from bench.stage import Stage
from bench.table import FULL, SHORT, measure


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the same, smaller: less than ten minutes")
    size = SHORT if parser.parse_args().short else FULL
    began = time.monotonic()
    with Stage() as stage:
        standings, rows = measure(stage, size)
    conditions = (
        f"{size.orders:,} orders a run, {size.rounds} rounds in turns, {(time.monotonic() - began) / 60:.0f} "
        f"minutes in all{', the short form' if size is SHORT else ''}."
    )
    print(report.write(standings, rows, conditions))
    say(f"Written to {report.relative(report.PAGE)} and {report.relative(report.CHART)}.")


if __name__ == "__main__":
    main()
