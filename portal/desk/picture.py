"""Who feeds whom: the flows between each two connections, with how far they are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Q

from portal.connections.models import Connection
from portal.desk.waiting import trouble
from portal.sync.models import Flow, Job, Operation

HELD = (Operation.State.HELD, Operation.State.REVIEW, Operation.State.DEAD)


@dataclass(slots=True)
class Arrow:
    """One flow as it is drawn: ``onward`` points from the pair's left connection to its right one."""

    flow: Flow
    onward: bool
    read_at: datetime | None
    waiting: int
    held: int

    @property
    def trouble(self) -> str:
        """Which of its ends a running flow waits for, as a sentence; empty when it can use both."""
        if self.flow.state not in (Flow.State.LIVE, Flow.State.REHEARSAL):
            return ""
        for end in (self.flow.target, self.flow.source):
            if why := trouble(end):
                return f"waits for {end}, {why}"
        return ""


@dataclass(slots=True)
class Pair:
    """Two connections and the flows between them."""

    left: Connection
    right: Connection
    arrows: list[Arrow] = field(default_factory=list)


def counts(flows: Iterable[Flow]) -> dict[int, dict[str, Any]]:
    """Open and held operations of these flows, by flow; a flow without any is missing. One query.

    Ended operations are not counted: there may be millions of them.
    """
    rows = (
        Operation.objects.filter(flow__in=list(flows), state__in=[*Operation.OPEN, Operation.State.DEAD])
        .order_by()
        .values("flow")
        .annotate(held=Count("pk", filter=Q(state__in=HELD)), waiting=Count("pk", filter=~Q(state__in=HELD)))
    )
    return {row["flow"]: dict(row) for row in rows}


def picture() -> list[Pair]:
    """Every flow, by the pair of connections that it joins. A constant number of queries."""
    flows = list(
        Flow.objects.select_related("source", "target")
        .defer(
            "source__credentials", "source__webhook_secrets", "target__credentials", "target__webhook_secrets"
        )
        .order_by("pk")
    )
    numbers = counts(flows)
    read = {
        (job["connection"], job["name"]): job["last_ok_at"]
        for job in Job.objects.filter(name__startswith="pull:").values("connection", "name", "last_ok_at")
    }
    pairs: dict[frozenset[int], Pair] = {}
    for flow in flows:
        ends = frozenset((flow.source_id, flow.target_id))
        pair = pairs.setdefault(ends, Pair(flow.source, flow.target))
        number = numbers.get(flow.pk, {"waiting": 0, "held": 0})
        pair.arrows.append(
            Arrow(
                flow=flow,
                onward=flow.source_id == pair.left.pk,
                read_at=read.get((flow.source_id, f"pull:{flow.kind}")),
                waiting=number["waiting"],
                held=number["held"],
            )
        )
    return list(pairs.values())
