"""Redis forgets every ring, or is killed, while orders are flowing, under the portal's real processes."""

from __future__ import annotations

import time

from redis import Redis

from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

AWAY = 1.0
PATIENCE = 120.0


@row(
    "Redis is emptied, and killed -9 and started again empty, in the middle of the work",
    goal="10 times each: 0 missing, 0 doubled, goes on by itself",
    order=61,
)
def queue(stack: Stack, scale: Scale) -> Figure:
    if stack.name != "redis":
        return Figure.none("the queue is in the database")
    times = scale(10)
    with Witness() as witness, stack.portal():
        trade = Trade(witness, 200 * times)
        for each, _ in enumerate(trade.in_the_middle(times * 2, calls=5)):
            if each % 2:
                stack.kill_redis()
                time.sleep(AWAY)
                stack.restart_redis()
            else:
                Redis.from_url(stack.env["REDIS_URL"]).flushall()
        quiet, spent = trade.come_to_rest(PATIENCE)
        return trade.figure(
            f"emptied {times} ×, killed {times} ×, at rest {spent:.0f} s after the last", good=quiet
        )
