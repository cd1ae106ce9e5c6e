"""Workers of two hosts call a remote that bears only so many calls, and for a while none at all."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from portal.connections.models import Connection
from portal.connections.services import opened
from portal.sdk import RetryLater
from portal.testing.clocks import shifted
from tests.faults.house import connect, wait_until
from tests.faults.plugin import Limited
from tests.faults.remote import ROOM, Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack

WORKERS = 4
APART = 120
STORM = 3.0
JITTER = 3
"""Calls that the network may bring together: the remote bears that many more at once than we mean to make."""

LIFE = "import django; django.setup(); from tests.faults.rows.storm import call; call({0})"


def call(number: int) -> None:
    """A worker's life: so many calls, as fast as they may be made."""
    connection, made = Connection.objects.get(slug="limited"), 0
    while made < number:
        try:
            with opened(connection) as connector:
                while made < number:
                    connector.check()
                    made += 1
        except RetryLater as error:
            time.sleep(error.after.total_seconds() if error.after else 1)


@row(
    "Two hosts call a remote as fast as they may; for 3 s it takes no call (429)",
    goal="1,600 calls: the rate never exceeded, no call while it rests",
    order=45,
)
def storm(stack: Stack, scale: Scale) -> Figure:
    rate, number = Limited.rate, scale(1600)
    assert rate is not None
    hosts = [{}, {}]
    if stack.name != "sqlite":
        try:
            hosts = [shifted(-APART // 2, stack.place), shifted(APART // 2, stack.place)]
        except LookupError:
            pass  # then both have one clock
    with Witness() as witness:
        limited = connect(witness, "faultlimited", "limited", rate=rate.per_second, burst=rate.burst + JITTER)
        workers = [
            stack.start(sys.executable, "-c", LIFE.format(number // WORKERS), env=hosts[each % 2])
            for each in range(WORKERS)
        ]
        wait_until(lambda: witness.calls("limited")["taken"] >= number // 3, 60)
        began = time.monotonic()
        witness.room("limited", storm=(began, began + STORM))
        wait_until(lambda: witness.calls("limited")["in the storm"], STORM)
        time.sleep(ROOM)
        with suppress(RetryLater), opened(limited) as newcomer:
            newcomer.check()  # the others were told to wait, this one never was
        ended = wait_until(lambda: all(each.poll() == 0 for each in workers), 120)
        counted = witness.calls("limited")
        over, late = counted["too many"], counted["later in the storm"]
        return Figure(
            f"{counted['taken']:,} calls, {over} too many, {counted['in the storm']} into the storm, {late} later in it",
            good=ended and not over and not late and 0 < counted["in the storm"] <= WORKERS * 3,
        )
