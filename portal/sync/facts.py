"""Writing lines of a record's timeline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from portal.records.rows import append
from portal.sync.models import Fact


def note(kind: str, lines: Iterable[tuple[int, str, int | None]], now: datetime) -> None:
    """Append facts: (record id, sentence, operation id or None)."""
    append(
        Fact,
        (
            {
                "kind": kind,
                "record_id": record_id,
                "at": now,
                "text": text[:500],
                "operation_id": operation_id,
            }
            for record_id, text, operation_id in lines
        ),
    )
