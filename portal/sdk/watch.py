"""How the engine finds the object that ends its worker: it is told of each one before it is read, and after.

For the engine only; connectors have it by using ``read_each``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Watcher(Protocol):
    def take(self, raw: Mapping[str, Any]) -> str:
        """Given what the remote said of the next object: why it must not be read, or empty."""

    def put_down(self) -> None:
        """The one taken has been read, whatever came of it."""


class Nobody:
    """Outside of reading that is watched."""

    def take(self, raw: Mapping[str, Any]) -> str:
        return ""

    def put_down(self) -> None:
        pass


_watcher: ContextVar[Watcher] = ContextVar("watcher", default=Nobody())  # noqa: B039 - it holds nothing


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Inside, ``by`` is told of each object of ``read_each``."""
    token = _watcher.set(by)
    try:
        yield
    finally:
        _watcher.reset(token)


def watcher() -> Watcher:
    return _watcher.get()
