"""Pacing: a remote that allows only so many calls a second is asked no more often, by all hosts together.

A connector declares its ``rate``. The engine, which alone knows every caller of a connection, lends each
connector a pacer while it is being made, and the connector's :class:`~portal.sdk.Http` asks it before each
call. Outside the engine nobody is paced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """So many calls a second in the long run; ``burst`` of them may come at once after a pause.

    >>> str(Rate(2, burst=40)), str(Rate(0.5))
    ('2 calls a second, 40 at once', '30 calls a minute')
    """

    per_second: float
    burst: int = 1

    def __post_init__(self) -> None:
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError("A rate allows more than no calls a second, and at least one at once.")

    def __str__(self) -> str:
        number, unit = (
            (self.per_second, "second") if self.per_second >= 1 else (self.per_second * 60, "minute")
        )
        calls = f"{number:.3g} call{'' if number == 1 else 's'} a {unit}"
        return f"{calls}, {self.burst} at once" if self.burst > 1 else calls


class Pacer(Protocol):
    """Says whose turn it is. Its methods may be called from several threads."""

    def turn(self) -> None:
        """Come back when the next call may be made. Raises ``MustWait`` when that is longer than a moment."""
        ...

    def rest(self, wait: timedelta | None, why: str) -> None:
        """The remote wants no calls for that long (None: it did not say): nobody of this connection makes one."""
        ...


class Unpaced:
    """No engine, no pacing."""

    def turn(self) -> None:
        pass

    def rest(self, wait: timedelta | None, why: str) -> None:
        pass


_lent: ContextVar[Pacer] = ContextVar("pacer", default=Unpaced())  # noqa: B039 (it has no state)


def pacer() -> Pacer:
    """The pacer that is lent just now: whoever makes calls takes it once, when it is made."""
    return _lent.get()


@contextmanager
def paced(by: Pacer) -> Iterator[None]:
    """Lend a pacer to the clients that are made in this block."""
    token = _lent.set(by)
    try:
        yield
    finally:
        _lent.reset(token)
