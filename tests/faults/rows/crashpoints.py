"""A worker dies at every step of the engine and at every COMMIT, and the day is told to its end by others."""

from __future__ import annotations

import json
import os
import random
import signal
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from django.db import connections
from django.db.models import Q
from django.db.models.functions import Now

from portal.sync.models import Event, Job, Operation
from portal.testing.crashpoints import Moment, count, die_at
from tests.faults.house import company
from tests.faults.plugin import Remote
from tests.faults.points import COMMIT, commits, die_at_commit, engine, exempt
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.story import READ, Day, differences, tell

TOGETHER = 40
"""Deaths until the days that they broke off are over, and the witness is asked about them."""

SPARE = 4
"""Days more than deaths: where a call does not come, another day is begun for its first one."""

DIED, ENDED = -signal.SIGKILL, 0

Telling = Callable[[str, Sequence[Day]], None]


@dataclass(frozen=True)
class Death:
    """A worker is to die there: at the call of that number, counted from 1, in that part of a day."""

    point: str
    moment: Moment
    part: str
    number: int

    def __str__(self) -> str:
        return f"{self.moment} call {self.number} of {self.point} in the {self.part}"

    def arm(self, number: int) -> None:
        """From now on this process dies there, at the call of that number."""
        if self.point.startswith(COMMIT):
            die_at_commit(self.point, self.moment, number)
        else:
            die_at(self.point, engine()[self.point], self.moment, number)


@row(
    "A worker dies at each crash point: before or after every function of the engine that a day comes by, and "
    "every COMMIT",
    goal="each × 10: 0 missing, 0 doubled, one final state",
    order=20,
)
def crashpoints(stack: Stack, scale: Scale) -> Figure:
    engine()
    Remote.grace = timedelta(0)  # the witness is waited for instead, until what the dead had sent is done
    with Witness() as witness:
        shop, erp = company(witness)
        days = Days(witness, lambda part, days: tell(part, days, witness, shop, erp))
        days.live([])  # the first days find things that no others do
        calls = _count(stack.place, days)
        points = list(calls)
        random.Random(3).shuffle(points)
        deaths = [_death(point, calls[point], turn) for turn in range(scale(10)) for point in points]
        for first in range(0, len(deaths), TOGETHER):
            days.live(deaths[first : first + TOGETHER])
        functions = sum(not point.startswith(COMMIT) for point in points)
        return Figure(
            f"{functions} functions and {len(points) - functions} kinds of COMMIT, {days.deaths:,} deaths: "
            f"{len(days.faults)} days went wrong, {len(days.unreached)} points not reached",
            good=not days.faults and not days.unreached and days.deaths == len(deaths),
            notes=(*days.faults[:10], *days.unreached[:10]),
        )


class Days:
    """Days side by side; ``faults`` is what the witness had to say about those that are over."""

    def __init__(self, witness: Witness, telling: Telling) -> None:
        self._witness, self.telling = witness, telling
        self._number = 0
        self._broken: dict[Day, list[str]] = {}
        self.deaths = 0
        self.faults: list[str] = []
        self.unreached: list[str] = []

    def begin(self, number: int) -> list[Day]:
        """So many new days."""
        self._number += number
        return [Day(each) for each in range(self._number - number + 1, self._number + 1)]

    def live(self, deaths: Sequence[Death]) -> None:
        """As many new days as it takes, each of which is broken off once in each of its parts, as far as these
        deaths go; then the witness is asked."""
        most = max(Counter(death.part for death in deaths).values(), default=0)
        days = self.begin(most + SPARE)
        self._broken = {day: [] for day in days}
        for part in READ:
            self._break_off(part, [death for death in deaths if death.part == part], list(days))
        for day in days:
            self.faults += [f"{self._after(day)}{fault}" for fault in day.faults(self._witness)]
        self.faults += [f"After {', '.join(map(str, deaths))}: {each}" for each in differences(self._witness)]

    def _break_off(self, part: str, deaths: Sequence[Death], untold: list[Day]) -> None:
        """Tell this part of the days by one process after the other, as many as are to die, and then one that lives.

        Each that dies has begun one day more, and has what those before it left behind.
        """
        begun: list[Day] = []
        for death in deaths:
            for number in dict.fromkeys((death.number, 1)):
                if untold:
                    begun.append(untold.pop())
                for day in begun:
                    self._broken[day].append(f"a death {death}")
                if self._tell(part, begun, partial(death.arm, number)) == DIED:
                    self.deaths += 1
                    break
                begun = []
            else:
                self.unreached.append(f"{death.point} was not reached.")
            if _in_hand_twice():
                self._tell(part, begun)
                begun = []
        self._tell(part, begun + untold)

    def _tell(self, part: str, days: Sequence[Day], arm: Callable[[], None] = lambda: None) -> int:
        """How the process ended that told this part of these days."""

        def life() -> None:
            arm()
            self.telling(part, days)

        status = in_a_process(life)
        self._witness.rest()
        if status not in (DIED, ENDED):
            told = " ".join(map(self._after, days))
            self.faults.append(f"{told}the {part} was not told to its end; the log says why.")
        return status

    def _after(self, day: Day) -> str:
        return f"Day {day.number}, after {'; '.join(self._broken.get(day) or ['no death'])}: "


def _in_hand_twice() -> bool:
    """Whether something was in hand when two workers died. What ends a third is poison to the engine, and rightly so."""
    held = Q(workers_lost__gte=2) | Q(workers_lost=1, lease_until__gt=Now())
    return (
        Operation.objects.filter(held, state__in=Operation.OPEN).exists()
        or Event.objects.filter(state=Event.State.NEW, attempts__gte=2).exists()
        or Job.objects.filter(name__startswith="pull:", attempts__gte=2).exists()
    )


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


def _death(point: str, calls: Mapping[str, int], turn: int) -> Death:
    """Another one each turn: each of the calls that an undisturbed day comes by is as likely."""
    chance = zlib.crc32(point.encode()) + turn
    moment: Moment = "before" if chance % 2 else "after"
    number = chance // 2 % sum(calls.values())
    for part, there in calls.items():
        if number < there:
            return Death(point, moment, part, number + 1)
        number -= there
    raise AssertionError(f"{point} has no calls.")


def _count(place: Path, days: Days) -> dict[str, dict[str, int]]:
    """The points of an undisturbed day and how often each of its parts comes by each."""
    counted = place / "calls.json"
    found: dict[str, dict[str, int]] = {}
    day = days.begin(1)
    for part in READ:

        def life(part: str = part) -> None:
            with count(engine()) as calls, commits() as committed:
                days.telling(part, day)
            counted.write_text(json.dumps(calls | committed))

        assert in_a_process(life) == ENDED, f"The undisturbed {part} was not told to its end."
        for name, number in json.loads(counted.read_text()).items():
            if number and not exempt(name.removeprefix(COMMIT)):
                found.setdefault(name, {})[part] = number
    return found
