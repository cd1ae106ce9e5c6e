"""Calling what a plugin brought: each call alone, with its time taken, and what goes wrong laid to its plugin."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from portal.plugins.failures import PluginFailed, charged, record
from portal.plugins.words import TookTooLong

logger = logging.getLogger(__name__)

SLOW = 1.0
"""Seconds from which on a call that somebody waits for is named."""


def guarded(plugin: str, doing: str, call: Callable[..., Any], /, **keywords: Any) -> Any:
    """What the call returns. ``doing`` is what it is, as in “The panel “Labels””.

    Raises ``PluginFailed`` with a sentence for whatever the plugin does wrong, recorded against it; the errors of
    ``portal.sdk`` come through as they are.
    """
    with charged(plugin, doing), timed(plugin, doing):
        return call(**keywords)


def listed(plugin: str, doing: str, kind: Any, call: Callable[..., Any], /, **keywords: Any) -> list[Any]:
    """The same for a call that returns an iterable, each item of which has to be a ``kind`` (a class or a union)."""
    found: list[Any] = guarded(plugin, doing, lambda: list(call(**keywords)))
    for item in found:
        if not isinstance(item, kind):
            failed = PluginFailed(f"{doing} returned {item!r}, which is not what belongs there.")
            record(plugin, str(failed))
            raise failed
    return found


@contextmanager
def timed(plugin: str, doing: str) -> Iterator[None]:
    """What takes long is named in the log."""
    began = time.monotonic()
    try:
        yield
    finally:
        if (spent := time.monotonic() - began) > SLOW:
            logger.warning("The plugin %s is slow. %s took %.1f s.", plugin, doing, spent)


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises ``TookTooLong`` inside the block when it is not done by then.

    Only the main thread of a process can be called back in this way; in another the block takes what it takes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise TookTooLong(f"it took longer than {seconds:g} s")

    began = time.monotonic()
    before = signal.signal(signal.SIGALRM, ring)
    # Somebody else's alarm, such as the one that ends a worker's task, is set again for what is left of it.
    other, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if other:
            left = max(other - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)
