"""Memory that a plugin's code leaves behind in a worker: laid to it, and given back by replacing the worker."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django_q.conf import Conf

from portal.plugins.failures import record

MOST = 256 * 1024 * 1024
"""Bytes that one plugin's turns may have added to a worker, all together."""

_added: dict[str, int] = {}


def resident() -> int:
    """Bytes of memory that this process holds; 0 where the machine does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except OSError:
        return 0


@contextmanager
def watched(plugin: str) -> Iterator[None]:
    """Around one turn of a plugin's work in a worker, if it is one's. What it adds and gives back is summed over
    its turns."""
    if not plugin:
        yield
        return
    earlier = _added.get(plugin, 0) - resident()
    try:
        yield
    finally:
        if earlier + resident() > MOST:
            gc.collect()  # what only waits to be collected is not left behind
        _added[plugin] = max(0, earlier + resident())
        if _added[plugin] > MOST:
            megabytes = _added.pop(plugin) // 1024**2
            record(plugin, f"It has left {megabytes} MB of memory behind in a worker, which is replaced.")
            replace_worker()


def replace_worker() -> None:
    """Let django-q2 put a new worker in this one's place once its task is done: any memory is too much now."""
    Conf.MAX_RSS = 1
