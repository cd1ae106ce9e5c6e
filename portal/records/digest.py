"""Fingerprints, by which an unchanged record is skipped."""

from __future__ import annotations

import hashlib
import json
from typing import Any

in_order = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
"""JSON that is the same text for equal data, in whatever order their keys are."""


def digest(data: Any) -> str:
    """SHA-256 of JSON data, independent of the order of its keys."""
    return digest_of(in_order(data))


def digest_of(text: str) -> str:
    """The same of data that are text already, with their keys in order."""
    return hashlib.sha256(text.encode()).hexdigest()
