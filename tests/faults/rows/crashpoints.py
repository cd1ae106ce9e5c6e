"""A worker dies at every step of the engine and at every COMMIT, and the day is told to its end by others."""

from __future__ import annotations

import json
import os
import random
import signal
import traceback
import zlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connections

from portal.testing.crashpoints import Moment, count, die_at
from tests.faults.house import company
from tests.faults.plugin import Remote
from tests.faults.points import COMMIT, commits, die_at_commit, engine, exempt
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.story import Day, tell

OPEN_DAYS = 2
"""Days that are broken off one after the other before one process is let live to tell them to their end. What ends
a third worker that has it in hand is poison to the engine, and rightly so."""

DIED, ENDED = -signal.SIGKILL, 0


@row(
    "A worker dies at each crash point: before or after every function of the engine that a day comes by, and "
    "every COMMIT",
    goal="each × 10: 0 missing, 0 doubled, one final state",
    order=20,
)
def crashpoints(stack: Stack, scale: Scale) -> Figure:
    Remote.grace = timedelta(0)  # the witness is waited for instead, until what the dead had sent is done
    with Witness() as witness:
        shop, erp = company(witness)
        days = Days(witness, lambda days: tell(days, witness, shop, erp))
        days.begin()
        days.finish()  # the first day finds things that no other does
        calls = _count(stack.place, days)
        points = list(calls)
        random.Random(3).shuffle(points)
        for turn in range(scale(10)):
            for point in points:
                days.break_off(point, calls[point], turn)
        days.finish()
        functions = sum(not point.startswith(COMMIT) for point in points)
        return Figure(
            f"{functions} functions and {len(points) - functions} kinds of COMMIT, {days.deaths:,} deaths: "
            f"{len(days.faults)} days went wrong, {len(days.unreached)} points not reached",
            good=not days.faults and not days.unreached and days.deaths >= len(points) * scale(10),
            notes=(*days.faults[:10], *days.unreached[:10]),
        )


class Days:
    """One day after the other, each begun by a process that dies; ``faults`` is what the witness had to say."""

    def __init__(self, witness: Witness, telling: Callable[[list[Day]], None]) -> None:
        self._witness, self._telling = witness, telling
        self._open: list[Day] = []
        self._broken: list[str] = []
        self._number = 0
        self.deaths = 0
        self.faults: list[str] = []
        self.unreached: list[str] = []

    def break_off(self, point: str, calls: int, turn: int) -> None:
        """Begin one more day and die at that point, at another call each turn; where that call did not come, at
        the first."""
        chance = zlib.crc32(point.encode()) + turn
        moment: Moment = "before" if chance % 2 else "after"
        for number in dict.fromkeys((chance // 2 % calls + 1, 1)):
            self.begin()
            self._broken.append(f"{moment} call {number} of {point}")
            status = self._tell(lambda number=number: _arm(point, moment, number))  # type: ignore[misc]
            if status == DIED:
                self.deaths += 1
                break
            self._judge(status)
        else:
            self.unreached.append(f"{point} was not reached.")
        if len(self._open) >= OPEN_DAYS:
            self.finish()

    def begin(self) -> None:
        self._number += 1
        self._open.append(Day(self._number))

    def finish(self) -> None:
        """Let one process live that tells the open days to their end, and ask the witness about them."""
        if self._open:
            self._judge(self._tell(lambda: None))

    def _judge(self, status: int) -> None:
        """The open days were told by a process that ended so."""
        broken = "; ".join(self._broken)
        if status != ENDED:
            self.faults.append(f"After a death {broken} the day was not told to its end; the log says why.")
        for day in self._open:
            self.faults += [f"After a death {broken}: {fault}" for fault in day.faults(self._witness)]
        self._open, self._broken = [], []

    def _tell(self, arm: Callable[[], None]) -> int:
        def life() -> None:
            arm()
            self._telling(self._open)

        status = in_a_process(life)
        self._witness.rest()
        return status


def in_a_process(life: Callable[[], None]) -> int:
    """Run it in a process of its own; 0 when it came to its end, else the negative signal, or 1 for an error."""
    connections.close_all()
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        life()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def _arm(point: str, moment: Moment, number: int) -> None:
    if point.startswith(COMMIT):
        die_at_commit(point, moment, number)
    else:
        die_at(point, engine()[point], moment, number)


def _count(place: Path, days: Days) -> dict[str, int]:
    """The points of an undisturbed day and how often it comes by each. Raises ``AssertionError`` when it fails."""
    counted = place / "calls.json"

    def life() -> None:
        with count(engine()) as calls, commits() as committed:
            days._telling(days._open)
        walked = {
            name: number
            for name, number in (calls | committed).items()
            if not exempt(name.removeprefix(COMMIT))
        }
        counted.write_text(json.dumps(walked))

    days.begin()
    assert in_a_process(life) == ENDED, "The undisturbed day was not told to its end."
    days.finish()
    calls: dict[str, int] = json.loads(counted.read_text())
    return calls
