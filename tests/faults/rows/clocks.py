"""Two hosts whose clocks are two minutes apart work on the same database."""

from __future__ import annotations

import random
import sys
import time
from subprocess import Popen

from portal.testing.clocks import shifted
from portal.testing.processes import kill
from tests.faults.house import wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

APART = 120
LIFE = "import django; django.setup(); from tests.faults.herd import {0}; {0}()"


@row(
    "Two hosts' clocks are 120 s apart, workers and pumps on both, some of them killed",
    goal="1,000 operations: 0 missing, 0 doubled, no slower for it",
    order=40,
)
def clocks(stack: Stack, scale: Scale) -> Figure:
    if stack.name == "sqlite":
        return Figure.none("SQLite is one host, with one clock")
    try:
        hosts = [shifted(-APART // 2, stack.place), shifted(APART // 2, stack.place)]
    except LookupError as missing:
        return Figure.none(str(missing))

    def live(life: str, host: int) -> Popen[bytes]:
        return stack.start(sys.executable, "-c", LIFE.format(life), env=hosts[host])

    with Witness() as witness:
        trade = Trade(witness, scale(1000))
        dice, kills, began = random.Random(4), 0, time.monotonic()
        workers = {(life, host): live(life, host) for life in ("work", "pump") for host in (0, 1)}
        for step in range(4):
            trade.sell(0.25)
            wait_until(lambda step=step: trade.pushed() > trade.number * step / 4, 60)  # type: ignore[misc]
            one = dice.choice([*workers])
            kill(workers[one].pid)
            workers[one].wait()
            workers[one] = live(*one)
            kills += 1
        trade.sell()
        quiet = wait_until(trade.quiet, 90)
        spent = time.monotonic() - began
        return trade.figure(f"{kills} kills, {spent:.0f} s", good=quiet)
