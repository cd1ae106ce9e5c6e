"""Each way a connection to a remote can break, in the middle of the work."""

from __future__ import annotations

from collections.abc import Sequence

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.testing.proxy import Proxy, Spoilt
from tests.faults.herd import Herd, pump, work
from tests.faults.house import wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

WAYS: tuple[Spoilt, ...] = ("reset", "truncate", "duplicate", "delay", "stall")
ENOUGH = 6
"""Answers that are spoilt each time, at least, at the remote of promise C and at the others."""

LATE = 1.0
"""Seconds by which an answer is late."""

SEARCHABLE = "taker-c"
"""The remote of promise C. What says a request twice on the way to it makes two of one, and nobody can know."""

PATIENCE = 150.0


@row(
    f"The connections to the remotes break in {len(WAYS)} ways ({', '.join(WAYS)}); twice is said only what a remote "
    "of promise A, B or D hears",
    goal="each × 10: 0 missing, 0 doubled, goes on by itself",
    order=46,
)
def wire(stack: Stack, scale: Scale) -> Figure:
    times = scale(10) * len(WAYS)
    with Witness() as witness, Proxy(witness.url) as most, Proxy(witness.url) as searchable:
        trade = Trade(witness, 40 * times, lose=0.0)
        for each in Connection.objects.all():
            through = searchable if each.slug == SEARCHABLE else most
            save_connection(each, {"url": f"{through.url}/{each.slug}"})
        with Herd(work, work, pump):
            done = True
            for number, _ in enumerate(trade.in_the_middle(times, calls=0)):
                way = WAYS[number % len(WAYS)]
                done &= _spoil(way, (most, searchable) if way != "duplicate" else (most,))
            quiet, spent = trade.come_to_rest(PATIENCE)
        spoilt = most.spoilt + searchable.spoilt
        told = ", ".join(f"{spoilt[way]} by {way}" for way in WAYS)
        return trade.figure(
            f"answers spoilt: {told}, at rest {spent:.0f} s after the last",
            good=quiet and done,
        )


def _spoil(way: Spoilt, proxies: Sequence[Proxy]) -> bool:
    """Until enough has been spoilt at each; whether it came to that."""
    enough = [(proxy, proxy.spoilt[way] + ENOUGH) for proxy in proxies]
    for proxy in proxies:
        proxy.spoil(way, LATE)
    spoilt = wait_until(lambda: all(proxy.spoilt[way] >= count for proxy, count in enough), PATIENCE)
    for proxy in proxies:
        proxy.spoil("")
    return spoilt
