"""Starting, rehearsing, pausing and resuming a flow."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.plugins.manager import connector_class
from portal.records.models import StockLevel
from portal.records.store import MODELS
from portal.sync.doors import ring_delivery, ring_pulls
from portal.sync.facts import note
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Flow
from portal.sync.route import route
from portal.sync.stock import route_places

PAGE = 200


def obstacles(flow: Flow) -> list[str]:
    """Sentences that say why this flow cannot run: what its source or target is not able to do."""
    found = []
    source, target = (connector_class(end.connector) for end in (flow.source, flow.target))
    if not hasattr(source, f"pull_{flow.kind}"):
        found.append(
            f"{flow.source} cannot be read for {flow.get_kind_display()}: {source.title} does not offer it."
        )
    if not hasattr(target, f"push_{flow.kind}"):
        found.append(f"{flow.target} takes no {flow.get_kind_display()}: {target.title} does not offer it.")
    return found


def switch(flow: Flow, state: Flow.State | str, by: Any) -> Flow:
    """Put the flow into ``state``. Raises ``ValueError`` with a sentence when it cannot run.

    What came in while it was a draft or rehearsed is routed now; what waited while it was paused is sent.
    ``by``, the user, stands in the flow's timeline.
    """
    if state != Flow.State.DRAFT and (why := obstacles(flow)):
        raise ValueError(" ".join(why))
    with transaction.atomic():
        flow = Flow.objects.select_for_update(of=("self",)).select_related("source", "target").get(pk=flow.pk)
        before, flow.state = flow.state, Flow.State(state)
        flow.save(update_fields=["state"])
        note("flow", [(flow.pk, f"{by} switched it from {before} to {flow.state}.", None)], timezone.now())
        ensure_jobs()
    if before in (Flow.State.DRAFT, Flow.State.REHEARSAL) and state in (Flow.State.LIVE, Flow.State.PAUSED):
        catch_up(flow)
    if state == Flow.State.LIVE:
        ring_delivery(flow.target)
        ring_pulls(flow.source, [f"pull:{flow.kind}"])
    return flow


def catch_up(flow: Flow) -> None:
    """Route what is already stored, a page at a time; what was routed before is skipped."""
    if flow.kind == Flow.Kind.STOCK:
        levels = StockLevel.objects.order_by().filter(connection=flow.source)
        route_places(flow.source, levels.values_list("product_id", "location_id"), timezone.now())
        return
    last = 0
    rows = MODELS[flow.kind].objects.filter(origin=flow.source).order_by("pk")
    while page := list(rows.filter(pk__gt=last)[:PAGE]):
        with transaction.atomic():
            type(flow.source).objects.select_for_update(no_key=True).get(pk=flow.source_id)
            route(flow.source, flow.kind, page, timezone.now())
        last = page[-1].pk
