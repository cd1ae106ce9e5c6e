"""What a plugin is told about: connections, flows and records, as frozen values that can be kept and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from portal.sdk.records import Record

RecordKind = Literal["order", "refund", "shipment", "product", "location", "stock"]
"""The kinds of record that have a page of their own."""


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """One account of a connector. ``slug`` names it for good, ``name`` is what people call it now, ``connector``
    is the key of its connector. It holds no credential."""

    slug: str
    name: str
    connector: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class FlowInfo:
    """A route that staff switched on: one ``kind`` of record (``"order"``, ``"stock"`` …), from where to where."""

    kind: str
    source: ConnectionInfo
    target: ConnectionInfo

    def __str__(self) -> str:
        return f"{self.kind}: {self.source} → {self.target}"


@dataclass(frozen=True, slots=True)
class Subject:
    """One record as it stands now.

    ``id`` is the portal's own number of it, the same for as long as it is kept; ``record`` is the canonical
    record in the words of its ``connection``, where it came from; ``raw`` is what that system said (JSON).
    """

    kind: RecordKind
    id: int
    connection: ConnectionInfo
    record: Record
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """Something that needs a person, as it stands now. ``cause`` is a short word for it, ``mend`` the step that mends
    it; ``connection`` is None for what concerns none."""

    id: int
    cause: str
    title: str
    mend: str
    connection: ConnectionInfo | None = None
