"""Each way a connection to a remote can break, in the middle of the work."""

from __future__ import annotations

import time
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
"""Answers that are spoilt each time, at least, at the remote of promise C and at the other takers."""

LATE = 1.0
"""Seconds by which an answer is late."""

SOURCE = "shop"
SEARCHABLE = "taker-c"
"""The remote of promise C. What says a request twice on the way to it makes two of one, and nobody can know."""

PATIENCE = 150.0

SOON = 5.0
"""Seconds after which there may be nothing left to spoil."""


@row(
    f"The connections to the remotes break in {len(WAYS)} ways ({', '.join(WAYS)}); twice is said only what a remote "
    "of promise A, B or D hears",
    goal="each × 10: 0 missing, 0 doubled, goes on by itself",
    order=46,
)
def wire(stack: Stack, scale: Scale) -> Figure:
    times = scale(10) * len(WAYS)
    with (
        Witness() as witness,
        Proxy(witness.url) as source,
        Proxy(witness.url) as most,
        Proxy(witness.url) as searchable,
    ):
        trade = Trade(witness, 40 * times, lose=0.0)
        own = {SOURCE: source, SEARCHABLE: searchable}
        for each in Connection.objects.all():
            save_connection(each, {"url": f"{own.get(each.slug, most).url}/{each.slug}"})
        with Herd(work, work, pump):
            done = True
            for number, _ in enumerate(trade.in_the_middle(times, calls=0)):
                way = WAYS[number % len(WAYS)]
                done &= _spoil(way, (most, searchable) if way != "duplicate" else (most,), source, trade)
            quiet, spent = trade.come_to_rest(PATIENCE)
        spoilt = source.spoilt + most.spoilt + searchable.spoilt
        told = ", ".join(f"{spoilt[way]} by {way}" for way in WAYS)
        return trade.figure(
            f"answers spoilt: {told}, at rest {spent:.0f} s after the last",
            good=quiet and done,
        )


def _spoil(way: Spoilt, takers: Sequence[Proxy], source: Proxy, trade: Trade) -> bool:
    """Until enough has been spoilt at each of the takers; whether it came to that. Where everything was answered before
    it began, more is sold, and the source is whole again, so that it is heard of."""
    lacking = {proxy: proxy.spoilt[way] + ENOUGH for proxy in takers}

    def enough() -> list[Proxy]:
        return [proxy for proxy, count in lacking.items() if proxy.spoilt[way] >= count]

    for proxy in (source, *takers):
        proxy.spoil(way, LATE)
    end = time.monotonic() + PATIENCE
    while lacking and time.monotonic() < end:
        if not wait_until(enough, SOON):
            source.spoil("")
            trade.sell_more(ENOUGH)
        for proxy in enough():
            proxy.spoil("")
            del lacking[proxy]
    for proxy in (source, *lacking):
        proxy.spoil("")
    return not lacking
