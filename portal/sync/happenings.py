"""What an `on_…` hook is given, made from its notice as things stand now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import reverse

from portal.records.store import MODELS
from portal.records.subjects import info_of, subject_of
from portal.sdk import CaseOpened, FlowInfo, OperationDone, RecordApplied, WebhookHeard
from portal.sync.models import Case, Event, Flow, Notice, Operation

Timeline = tuple[str, int]
"""The kind and the primary key of what the hook's lines are about."""


def event_of(notice: Notice) -> tuple[Any, Timeline | None] | None:
    """The event, and where its lines go; None when what it is about is not kept any more."""
    return EVENTS[notice.hook](notice, f"{notice.hook}:{notice.pk}")


def flow_info(flow: Flow) -> FlowInfo:
    return FlowInfo(flow.kind, info_of(flow.source), info_of(flow.target))


def _record_applied(notice: Notice, key: str) -> tuple[Any, Timeline] | None:
    kind = notice.about["kind"]
    row = MODELS[kind].objects.select_related("origin").filter(pk=notice.about["id"]).first()
    if row is None:
        return None
    event = RecordApplied(key, notice.created_at, notice.about["new"], subject_of(row))
    return event, (kind, row.pk)


def _operation_done(notice: Notice, key: str) -> tuple[Any, Timeline] | None:
    joined = Operation.objects.select_related("flow__source", "flow__target")
    row = joined.filter(pk=notice.about["id"]).first()
    if row is None:
        return None
    event = OperationDone(
        key=key,
        at=row.finished_at or notice.created_at,
        flow=flow_info(row.flow),
        kind=row.kind,
        record_id=row.record_id,
        label=row.label,
        remote_id=row.remote_id,
        payload=row.payload,
        receipt=row.receipt,
    )
    return event, (row.kind, row.record_id)


def _case_opened(notice: Notice, key: str) -> tuple[Any, Timeline] | None:
    row = Case.objects.select_related("connection").filter(pk=notice.about["id"]).first()
    if row is None:
        return None
    event = CaseOpened(
        key=key,
        at=row.opened_at,
        case_id=row.pk,
        cause=row.cause,
        title=row.title,
        mend=row.mend,
        link=reverse("admin:sync_case_change", args=[row.pk]),
        connection=info_of(row.connection) if row.connection else None,
    )
    return event, ("case", row.pk)


def _webhook(notice: Notice, key: str) -> tuple[Any, None] | None:
    row = Event.objects.select_related("connection").filter(pk=notice.about["id"]).first()
    if row is None:
        return None
    event = WebhookHeard(
        key, row.received_at, info_of(row.connection), row.topic, row.external_id, bytes(row.body)
    )
    return event, None


EVENTS: dict[str, Callable[[Notice, str], tuple[Any, Timeline | None] | None]] = {
    "on_record_applied": _record_applied,
    "on_operation_done": _operation_done,
    "on_case_opened": _case_opened,
    "on_webhook": _webhook,
}
