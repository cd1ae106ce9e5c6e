"""Workers are killed all the time while four remotes lose every tenth answer."""

from __future__ import annotations

import random
import time
from collections import Counter

from portal.connections.models import Connection
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Operation
from tests.faults.herd import Herd, pump, work
from tests.faults.house import PLACE, busy, connect, flow, tie
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import order

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
    number = scale(3000)
    with Witness() as witness:
        shop = connect(witness, "faultshop", "shop")
        takers = [
            connect(
                witness, f"fault{letter}", f"taker-{letter}", promise=letter.upper(), lose=0.1, latency=0.005
            )
            for letter in "abcd"
        ]
        tie(shop, *takers)
        for taker in takers:
            flow("order", shop, taker)
        ensure_jobs()
        told = [order(each, location=PLACE) for each in range(number // len(takers))]
        witness.tell("shop", told)
        with Herd(work, work, work, pump) as herd:
            _kill_until_quiet(herd, witness, takers, number)
        return _figure(witness, takers, [each.external_id for each in told], herd.kills)


def _kill_until_quiet(herd: Herd, witness: Witness, takers: list[Connection], number: int) -> None:
    dice, pushed, stirred = random.Random(5), 0, time.monotonic()
    while time.monotonic() - stirred < PATIENCE:
        time.sleep(dice.uniform(0.02, 0.08))
        calls = sum(witness.calls(each.slug)["push"] for each in takers)
        if calls > pushed:
            pushed, stirred = calls, time.monotonic()
        if herd.kills <= pushed * KILLS:
            herd.kill_one()
        elif pushed >= number and not busy() and Operation.objects.count() >= number:
            return


def _figure(witness: Witness, takers: list[Connection], wanted: list[str], killed: int) -> Figure:
    seen = {taker.slug: witness.seen(taker.slug) for taker in takers}
    missing = [
        f"{slug} has no {each}" for slug, there in seen.items() for each in there.missing("order", wanted)
    ]
    doubled = [f"{slug} has twice {each}" for slug, there in seen.items() for each in there.doubled("order")]
    lost = sum(there.calls.get("lost", 0) for there in seen.values())
    number = len(wanted) * len(takers)
    open_still = Counter(
        Operation.objects.exclude(state="done").values_list("connection__slug", "state", "cause")
    )
    return Figure(
        f"{number:,} operations, {killed} kills, {lost} answers lost: "
        f"{len(missing)} missing, {len(doubled)} doubled",
        good=not missing and not doubled and killed >= number / 10 and not open_still,
        notes=(*missing[:5], *doubled[:5], *(f"{count} × {what}" for what, count in open_still.items())),
    )
