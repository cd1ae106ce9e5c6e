"""The database is killed and started again while orders are flowing, under the portal's real processes."""

from __future__ import annotations

import time

from django.db import connections

from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

AWAY = 1.0
"""Seconds that the database is away each time."""

PATIENCE = 45.0
"""Seconds after the last kill: less than a lease, for a worker that lives stores what it has once the database answers."""


@row(
    "The database is killed -9 and started again in the middle of the work",
    goal="10 times: 0 missing, 0 doubled, goes on by itself",
    order=60,
)
def database(stack: Stack, scale: Scale) -> Figure:
    if stack.name == "sqlite":
        return Figure.none("SQLite has no server; see the kills of its workers")
    times = scale(10)
    with Witness() as witness, stack.portal():
        trade = Trade(witness, 200 * times)
        for _ in trade.in_the_middle(times, calls=10):
            connections.close_all()
            stack.kill_database()
            time.sleep(AWAY)
            stack.restart_database()
        quiet, spent = trade.come_to_rest(PATIENCE)
        return trade.figure(
            f"{times} kills of the database, at rest {spent:.0f} s after the last", good=quiet
        )
