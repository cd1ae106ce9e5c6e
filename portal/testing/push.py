"""One change that the contract lets a connector push, and what the remote says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.sdk.connector import Change
from portal.sdk.records import Record

KEY = "contract-1"


@dataclass(frozen=True)
class Push:
    """``record`` and ``refs`` are as in :class:`~portal.sdk.Change`; its key is ``KEY``, *contract-1*.

    ``done`` holds what the remote answers differently once the change is there (what ``find_*`` will see).
    For a compare-and-set, ``conflict`` holds what it answers when its figure is not ``record.expected``, and
    ``current`` is the figure that it shows then.
    """

    record: Record
    refs: Mapping[tuple[str, str], str] = field(default_factory=dict)
    remote_id: str = ""
    done: Mapping[str, Any] = field(default_factory=dict)
    conflict: Mapping[str, Any] = field(default_factory=dict)
    current: str = ""

    def change(self, *, key: str = KEY, **changes: Any) -> Change[Any]:
        """The change, with other fields of the record where given."""
        record = self.record.model_copy(update=changes) if changes else self.record
        return Change(key, record, self.remote_id, self.refs)
