"""How the engine finds the object that ends its worker: it is told of each one before it is read.

For the engine only; connectors have it by using ``read_each``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Watcher = Callable[[Mapping[str, Any]], str]
"""Given what the remote said of one object: why it must not be read, or empty."""

_watcher: ContextVar[Watcher] = ContextVar("watcher", default=lambda _: "")


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Inside, ``watcher`` is asked before each object of ``read_each``."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def forbidden(raw: Mapping[str, Any]) -> str:
    return _watcher.get()(raw)
