"""Fingerprints, by which an unchanged record is skipped."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def digest(data: Any) -> str:
    """SHA-256 of JSON data, independent of the order of its keys."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def record_digest(data: dict[str, Any]) -> str:
    """The fingerprint of a canonical record: all but its version, which grows without anything changing."""
    return digest({key: value for key, value in data.items() if key != "version"})
