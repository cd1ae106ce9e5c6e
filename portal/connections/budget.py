"""One budget of calls a connection, for all workers and hosts: a row, on the database's clock.

The row holds when the next call may be made. Whoever takes turns moves it on, in one statement; that many turns
are then used without asking again, each at its own moment, and are void a moment later, so that what the remote
sees never exceeds its rate. When the next turn is further away than a moment, nobody sleeps for it: ``MustWait``
ends the job, and its due time is set.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from django.utils import timezone

from portal.connections.models import Connection
from portal.sdk import MustWait, Rate, RetryLater

logger = logging.getLogger(__name__)

MOMENT = 2.0
"""Seconds that a worker waits for its turn; for a longer wait its job ends."""

VOID_AFTER = 0.25
"""Seconds after which a turn that was taken and not used is void, and that turns are taken for in advance."""

LOOK_EVERY = 1.0
"""Seconds between two looks whether the remote wanted a rest, where no rate makes us ask anyhow."""

REST = timedelta(seconds=5)
"""The rest of a remote that wants one and does not say how long."""

Sql = dict[str, str]

_TAKE: Sql = {
    "postgresql": (
        "UPDATE connections_budget SET free_at = GREATEST(free_at, closed_until, now.at - %(slack)s) + %(cost)s"
        " FROM (SELECT extract(epoch FROM clock_timestamp())::float8 AS at) AS now"
        " WHERE connection_id = %(connection)s AND GREATEST(free_at, closed_until) <= now.at + %(moment)s"
        " RETURNING free_at, now.at"
    ),
    "sqlite": (
        "UPDATE connections_budget SET free_at = max(free_at, closed_until, %(now)s - %(slack)s) + %(cost)s"
        " WHERE connection_id = %(connection)s AND max(free_at, closed_until) <= %(now)s + %(moment)s"
        " RETURNING free_at, %(now)s"
    ),
}
_LOOK: Sql = {
    "postgresql": (
        "SELECT free_at, closed_until, said, extract(epoch FROM clock_timestamp())::float8"
        " FROM connections_budget WHERE connection_id = %(connection)s"
    ),
    "sqlite": (
        "SELECT free_at, closed_until, said, %(now)s FROM connections_budget WHERE connection_id = %(connection)s"
    ),
}
_CLOSE: Sql = {
    "postgresql": (
        "UPDATE connections_budget SET closed_until = GREATEST(closed_until,"
        " extract(epoch FROM clock_timestamp())::float8 + %(wait)s), said = %(said)s WHERE connection_id = %(connection)s"
    ),
    "sqlite": (
        "UPDATE connections_budget SET closed_until = max(closed_until, %(now)s + %(wait)s), said = %(said)s"
        " WHERE connection_id = %(connection)s"
    ),
}
_BEGIN = (
    "INSERT INTO connections_budget (connection_id, free_at, closed_until, said) VALUES (%(connection)s, 0, 0, '')"
    " ON CONFLICT (connection_id) DO NOTHING"
)


class Turns:
    """The pacer of one opened connector. ``beat`` is called before calls of the thread that made it, now and
    then: whoever works keeps its lease by it."""

    def __init__(self, connection: Connection, beat: Callable[[], None] | None = None) -> None:
        self.rate: Rate | None = None
        self._connection = connection
        self._beat = beat
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._link = _Link()
        self._turns: deque[float] = deque()
        self._used: deque[float] = deque()
        self._looked = -math.inf

    def turn(self) -> None:
        if self._beat is not None and threading.get_ident() == self._owner:
            self._beat()
        with self._lock:
            at = self._next() if self.rate else self._unless_closed()
        if (wait := at - time.monotonic()) > 0:
            time.sleep(wait)

    def rest(self, wait: timedelta | None, why: str) -> None:
        with self._lock:
            self._turns.clear()
            self._looked = -math.inf
            with suppress(RetryLater):  # the caller has the remote's own word to pass on
                values = {"wait": (wait or REST).total_seconds(), "said": why}
                self._ask(_BEGIN, {})
                self._ask(_CLOSE, values)

    def close(self) -> None:
        self._link.close()

    def _next(self) -> float:
        """The moment (``time.monotonic``) of a turn that is now this caller's."""
        now = time.monotonic()
        while self._turns and self._turns[0] + VOID_AFTER < now:
            self._turns.popleft()
        while self._used and self._used[0] + VOID_AFTER < now:
            self._used.popleft()
        if not self._turns:
            self._take()
        turn = self._turns.popleft()
        self._used.append(turn)
        return turn

    def _take(self) -> None:
        """As many turns as were used in the last moment, and as many again: who calls seldom takes one."""
        assert self.rate is not None
        apart = 1 / self.rate.per_second
        number = max(1, min(2 * len(self._used), int(VOID_AFTER / apart)))
        # Turns may be used a little late, and so come closer together: that much of the burst is kept back.
        slack = max(0.0, (self.rate.burst - 1) * apart - VOID_AFTER)
        values = {"slack": slack, "cost": number * apart, "moment": MOMENT}
        taken = self._ask(_TAKE, values)
        if taken is None:
            self._ask(_BEGIN, {})
            taken = self._ask(_TAKE, values)
        if taken is None:
            raise self._must_wait()
        free_at, now = taken
        offset = time.monotonic() - now
        first = free_at - number * apart
        self._turns.extend(max(first + index * apart, now) + offset for index in range(number))

    def _unless_closed(self) -> float:
        now = time.monotonic()
        if now - self._looked > LOOK_EVERY:
            seen = self._ask(_LOOK, {})
            if seen is not None and seen[1] > seen[3]:
                raise self._must_wait()
            self._looked = now
        return now

    def _must_wait(self) -> MustWait:
        free_at, closed_until, said, now = self._ask(_LOOK, {}) or (0, 0, "", 0)
        wait = timedelta(seconds=max(0.05, max(free_at, closed_until) - now))
        why = said if closed_until > now else allowed(self._connection, self.rate)
        until = timezone.localtime(timezone.now() + wait)
        return MustWait(f"{why} The next call is made at {until:%H:%M:%S}.", after=wait)

    def _ask(self, sql: Sql | str, values: dict[str, Any]) -> Any:
        """The owner's thread has its own connection to the database; others share one."""
        link = connections[DEFAULT_DB_ALIAS] if threading.get_ident() == self._owner else self._link.open()
        try:
            return _first(link, sql, {**values, "connection": self._connection.pk})
        except (OperationalError, InterfaceError) as error:
            self._link.close()
            raise RetryLater(
                f"The portal's own database did not say when {self._connection} may be called: {error}"
            ) from error


def _first(link: Any, sql: Sql | str, values: dict[str, Any]) -> Any:
    """The first row of the answer, or None."""
    statement = sql if isinstance(sql, str) else sql[link.vendor]
    with link.cursor() as cursor:
        cursor.execute(statement, {**values, "now": time.time()})
        return cursor.fetchone() if cursor.description else None


class _Link:
    """A database connection of its own, for the threads of a connector; opened when one needs it."""

    def __init__(self) -> None:
        self._link: Any = None

    def open(self) -> Any:
        if self._link is None:
            self._link = connections.create_connection(DEFAULT_DB_ALIAS)
            self._link.inc_thread_sharing()
        return self._link

    def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            with suppress(DatabaseError):
                link.close()


def rate_of(connection: Connection, declared: Rate | None) -> Rate | None:
    """The connector's rate, or the lower one that staff have set."""
    own = connection.calls_per_second
    if own is None:
        return declared
    if declared is None:
        return Rate(own)
    return Rate(min(own, declared.per_second), declared.burst)


def allowed(connection: Connection, rate: Rate | None) -> str:
    return f"{connection} allows {rate}." if rate else f"{connection} wants a rest."


def waits(connection: Connection, rate: Rate | None) -> tuple[timedelta, str]:
    """How long the next call has to wait (zero: not at all), and why, as a sentence."""
    found = _first(connections[DEFAULT_DB_ALIAS], _LOOK, {"connection": connection.pk})
    free_at, closed_until, said, now = found or (0, 0, "", 0)
    wait = timedelta(seconds=max(0.0, max(free_at, closed_until) - now))
    return wait, said if closed_until > now else allowed(connection, rate)
