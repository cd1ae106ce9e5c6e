"""What the portal tells plugins of, after it has happened and is committed.

``key`` is the same each time the same thing is told: by it a plugin knows what it has done already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from portal.sdk.subjects import ConnectionInfo, FlowInfo, Subject


@dataclass(frozen=True, slots=True)
class RecordApplied:
    """An order, a refund or a shipment was read and is new to the portal, or has changed (``new`` is false).

    ``subject`` is the record as it stands when this is told, which may be newer than what was read then.
    """

    key: str
    at: datetime
    new: bool
    subject: Subject


@dataclass(frozen=True, slots=True)
class OperationDone:
    """The target of a flow has what was intended for one record, and knows it as ``remote_id``.

    ``kind`` and ``record_id`` are those of the :class:`~portal.sdk.subjects.Subject`; for stock ``record_id`` is
    the level's. ``payload`` is the record as it was sent (JSON), ``receipt`` what the connector kept of the
    answer.
    """

    key: str
    at: datetime
    flow: FlowInfo
    kind: str
    record_id: int
    label: str
    remote_id: str
    payload: Mapping[str, Any]
    receipt: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseOpened:
    """Something needs a person. ``cause`` is a short word for it, ``mend`` the step that mends it.

    ``connection`` is None for what concerns none. ``link`` is the case's page within the portal.
    """

    key: str
    at: datetime
    case_id: int
    cause: str
    title: str
    mend: str
    link: str
    connection: ConnectionInfo | None = None


@dataclass(frozen=True, slots=True)
class WebhookHeard:
    """A verified webhook of a topic that the plugin asked for with ``register_topics``; ``body`` is raw."""

    key: str
    at: datetime
    connection: ConnectionInfo
    topic: str
    external_id: str
    body: bytes
