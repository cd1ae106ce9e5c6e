"""Panels that the pages of several records share."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Q
from django.http import HttpRequest

from portal.connections.models import Reference
from portal.desk import show
from portal.desk.panels import Panel, table
from portal.desk.waiting import standing
from portal.sync.models import Operation

MOST = 50


def references_panel(request: HttpRequest, kind: str, record_id: int) -> Panel:
    """Under which id every connection knows the record."""
    found = (
        Reference.objects.filter(kind=kind, record_id=record_id)
        .select_related("connection")
        .defer("connection__credentials", "connection__webhook_secrets")
    )
    linked = show.may_view(request, Reference)
    return table(
        "Where it is known",
        ["Connection", "Id there", "Called", "Tie"],
        [
            (
                show.row_link(each.connection),
                show.row_link(each, each.external_id) if linked else each.external_id,
                each.label,
                show.state(each),
            )
            for each in found
        ],
        empty="No connection knows it yet.",
    )


def operations_panel(request: HttpRequest, related: Sequence[tuple[str, Sequence[int]]]) -> Panel:
    """What was or will be sent for these records, newest first."""
    wanted = Q(pk=None)
    for kind, ids in related:
        wanted |= Q(kind=kind, record_id__in=list(ids))
    found = (
        Operation.objects.filter(wanted)
        .select_related("connection")
        .defer("payload", "connection__credentials", "connection__webhook_secrets")
        .order_by("-pk")[:MOST]
    )
    linked = show.may_view(request, Operation)
    return table(
        "Operations",
        ["What", "State", "To", "Id there", "Attempts#", "Since", "Message"],
        [
            (
                show.row_link(each, f"{each.kind} {each.label}") if linked else f"{each.kind} {each.label}",
                standing(each),
                show.row_link(each.connection),
                each.remote_id or show.NOTHING,
                each.attempts,
                show.ago(each.created_at),
                each.message,
            )
            for each in found
        ],
        empty="Nothing is to be sent for it: no active flow carries it, or it is older than the flow's start.",
        wide=True,
    )
