"""What this process knows to be secret, and taking it out of what is logged.

A traceback shows what a library was called with. Every credential that was ever decrypted here is known, so
that no line of the log has one, whoever wrote the line.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

SHORTEST = 4
"""Hiding a credential shorter than this would black out ordinary text."""

HIDDEN = "…"


class _Known:
    def __init__(self) -> None:
        self.values: set[str] = set()
        self.pattern = re.compile(r"(?!)")


_known = _Known()


def remember(value: Any) -> None:
    """Every text within ``value`` (JSON) is secret from now on."""
    new = {text for text in _texts(value) if len(text) >= SHORTEST} - _known.values
    if new:
        values = _known.values | new
        spelled = {word for text in values for word in _spellings(text)}
        # The longest first: one credential may be a part of another.
        _known.pattern = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))))
        _known.values = values


def hide(text: str) -> str:
    """The text without any known secret."""
    return _known.pattern.sub(HIDDEN, text)


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _spellings(text: str) -> set[str]:
    """As it is, as Python and JSON quote it, and as it stands in an address."""
    return {text, repr(text)[1:-1], json.dumps(text)[1:-1], quote(text, safe="")}


class Redacting(logging.Formatter):
    """A formatter whose lines and tracebacks show no known secret; ``secrets`` are known from the start."""

    def __init__(self, *args: Any, secrets: Iterable[str] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        remember(list(secrets))

    def format(self, record: logging.LogRecord) -> str:
        return hide(super().format(record))
