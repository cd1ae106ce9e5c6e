"""``python -m tests.faults [--short] [--stack sqlite|postgres|redis] [--write] [row …]``: the table of faults."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import django

from portal.testing.processes import adopt_orphans, kill_descendants
from tests.faults.row import Figure, Row, rows
from tests.faults.stack import ROOT, STACKS, environment, make_template
from tests.faults.table import Line, as_text, write

LIMIT = {"short": 900, "whole": 4 * 3600}
"""Seconds after which a row that does not come to an end is a miss."""

LONGEST = ("crashpoints", "stalled", "wire", "restore", "webhooks", "kills", "arrivals")
"""Rows that begin before the others, so that none of them is left to the end; those that work beside those that wait."""

ROOM = 4 * 2**30
"""Bytes that have to be free in memory for the databases to live there: what is killed is a process, not a disk."""


def main() -> int:
    chosen = _arguments()
    began = time.monotonic()
    with _workshop() as place:
        os.environ |= environment(place / "parent")
        django.setup()
        every = rows()
        if unknown := set(chosen.rows) - every.keys():
            print(f"There is no row {', '.join(sorted(unknown))}; there are {', '.join(every)}.")
            return 2
        wanted = [each for name, each in every.items() if not chosen.rows or name in chosen.rows]
        lines = []
        print(f"{'short: a tenth of the numbers' if chosen.scale == 'short' else 'the whole'}", flush=True)
        for line in _measure(wanted, chosen.stacks, chosen.scale, chosen.jobs, place):
            lines.append(line)
            print(as_text(line), flush=True)
            if chosen.write:
                write(line, every.values(), scale=chosen.scale)
    spent = time.monotonic() - began
    missed = [line for line in lines if not line.good]
    print(f"\n{len(lines) - len(missed)} of {len(lines)} rows reach their figure; {spent / 60:.1f} minutes.")
    return 1 if missed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run faults", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help="only these rows")
    parser.add_argument("--short", dest="scale", action="store_const", const="short", default="whole")
    parser.add_argument("--stack", dest="stacks", action="append", choices=STACKS, help="only this stack")
    jobs = (os.cpu_count() or 1) * 2  # most rows wait more than they work
    parser.add_argument("--jobs", type=int, default=jobs, help="how many at once (%(default)s)")
    parser.add_argument("--write", action="store_true", help="put these rows into docs/reliability.md")
    chosen = parser.parse_args()
    if chosen.write and chosen.stacks:
        parser.error("--write is for rows that were measured on every stack; leave --stack out.")
    chosen.stacks = chosen.stacks or list(STACKS)
    return chosen


@contextmanager
def _workshop() -> Iterator[Path]:
    """A directory for everything; whatever is still running at the end is killed, also after Ctrl-C."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    place = Path(tempfile.mkdtemp(prefix="portal-faults-", dir=memory if roomy else None))
    place.chmod(0o755)
    adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        yield place
    finally:
        kill_descendants()
        shutil.rmtree(place, ignore_errors=True)


def _measure(wanted: list[Row], stacks: list[str], scale: str, jobs: int, place: Path) -> Iterator[Line]:
    """The lines as they are complete, in the order of the rows."""
    for template in {_template(stack) for stack in stacks}:
        make_template(template, place / template)
    with ThreadPoolExecutor(jobs) as pool:
        cells: dict[tuple[str, str], Future[tuple[Figure, float]]] = {
            (each.name, stack): pool.submit(_cell, each, stack, scale, place)
            for stack in stacks
            for each in sorted(wanted, key=_longest_first)
        }
        try:
            for each in wanted:
                yield Line(each, {stack: cells[each.name, stack].result() for stack in stacks})
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            kill_descendants()
            raise


def _longest_first(row: Row) -> int:
    return LONGEST.index(row.name) if row.name in LONGEST else len(LONGEST)


def _template(stack: str) -> str:
    return "sqlite" if stack == "sqlite" else "postgres"


def _cell(row: Row, stack: str, scale: str, place: Path) -> tuple[Figure, float]:
    """One row on one stack; its figure and how many seconds it took."""
    own, began = place / f"{row.name}-{stack}", time.monotonic()
    command = [sys.executable, "-m", "tests.faults.cell", row.name, stack, scale]
    with Path(f"{own}.out").open("wb") as out:
        process = subprocess.Popen(
            [*command, str(place / _template(stack)), str(own)],
            cwd=ROOT,
            env=environment(own),
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
        try:
            process.wait(LIMIT[scale])
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    spent = time.monotonic() - began
    told, answer = Path(f"{own}.out").read_text(errors="replace"), Path(f"{own}.json")
    if not answer.exists():
        return Figure("it did not come to an end", good=False, notes=(told[-2000:],)), spent
    figure = Figure(**json.loads(answer.read_text()))
    if figure.good is False:
        figure = Figure(figure.text, figure.good, (*figure.notes, told[-3000:], _tail(own / "log")))
    shutil.rmtree(own, ignore_errors=True)
    print(f"  {figure.mark} {row.name} on {stack} ({spent:.0f} s)", file=sys.stderr, flush=True)
    return figure, spent


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:] if log.exists() else ""


if __name__ == "__main__":
    sys.exit(main())
