"""Pages of stock taken together, so that what a page costs beside its levels is paid for thousands of them at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from portal.sdk import Page

MOST = 10_000
"""Levels after which a page is stored, whatever still comes."""

PATIENCE = 1.0
"""Seconds after which it is as well, with the next page that comes: what is waiting is lost with a worker."""


def together(pages: Iterable[Page[Any]], calm: Callable[[], bool]) -> Iterator[Page[Any]]:
    """Pages that come quickly as one, while it is ``calm``: many changes would keep other writers waiting.

    What was read before a failure comes before it, so that reading goes on from there.
    """
    waiting: list[Page[Any]] = []
    began = time.monotonic()
    try:
        for page in pages:
            waiting.append(page)
            levels = sum(len(each.found) for each in waiting)
            if levels >= MOST or time.monotonic() - began > PATIENCE or not calm():
                yield _one(waiting)
                waiting, began = [], time.monotonic()
    except Exception:
        if waiting:
            yield _one(waiting)
        raise
    if waiting:
        yield _one(waiting)


def _one(pages: list[Page[Any]]) -> Page[Any]:
    return Page(
        tuple(chain.from_iterable(page.found for page in pages)),
        next((page.cursor for page in reversed(pages) if page.cursor), ""),
        tuple(chain.from_iterable(page.rejected for page in pages)),
    )
