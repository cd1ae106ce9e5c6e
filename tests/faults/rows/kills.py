"""Workers are killed all the time while four remotes lose every tenth answer."""

from __future__ import annotations

import random
import time

from tests.faults.herd import Herd, pump, work
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

KILLS = 0.11
"""Kills for each operation that was sent."""

PATIENCE = 240.0
"""Seconds without any call to a remote after which the row gives up."""


@row(
    "Operations against remotes of the promises A to D that lose 10 % of their answers after doing the work, "
    "with at least 100 kills -9 per 1,000",
    goal="3,000 a stack: 0 missing, 0 doubled",
    order=10,
)
def kills(stack: Stack, scale: Scale) -> Figure:
    with Witness() as witness:
        trade = Trade(witness, scale(3000))
        trade.sell()
        with Herd(work, work, work, pump) as herd:
            _kill_until_quiet(herd, trade)
        return trade.figure(f"{herd.kills} kills", good=herd.kills >= trade.number / 10)


def _kill_until_quiet(herd: Herd, trade: Trade) -> None:
    dice, pushed, stirred = random.Random(5), 0, time.monotonic()
    while time.monotonic() - stirred < PATIENCE:
        time.sleep(dice.uniform(0.02, 0.08))
        calls = trade.pushed()
        if calls > pushed:
            pushed, stirred = calls, time.monotonic()
        if herd.kills <= pushed * KILLS:
            herd.kill_one()
        elif pushed >= trade.number and trade.quiet():
            return
