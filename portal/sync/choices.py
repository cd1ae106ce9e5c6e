"""What plugins decide about a page of a flow: where its records go, and how much stock a channel shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from portal.connections.plugin_switches import off_for
from portal.plugins.asking import Decided, ask, deciders
from portal.sdk import Hold, LeaveOut, Offer, Send, StockLevel
from portal.sdk.decisions import Route
from portal.sync.checks import Fault
from portal.sync.happenings import flow_info
from portal.sync.models import Flow, Operation

LEFT_OUT = "left-out"
"""The cause on the cancelled operation that stands for a record which a plugin left out."""

FINEST = Decimal("0.0001")


def routes(flow: Flow, rows: Sequence[Any]) -> dict[str, Decided[Route]]:
    """What plugins say of these rows, by external id."""
    if not rows:
        return {}
    decided = ask(
        "decide_route",
        {row.external_id for row in rows},
        _refuse_route,
        off=off_for(flow.source.slug, flow.target.slug),
        flow=flow_info(flow),
        records=tuple(row.record for row in rows),
    )
    return {**decided, **_orphans(flow, rows)}


def fault_of(decided: Decided[Route] | None) -> Fault | None:
    """Why a plugin wants a record to be held, if one does."""
    if decided is None or not isinstance(decided.answer, Hold):
        return None
    return Fault(f"held-by-{decided.plugin}", decided.answer.reason, decided.answer.mend)


def left_out(decided: Decided[Route] | None) -> str:
    """Why a record is not to be sent, if so."""
    if decided is None or not isinstance(decided.answer, LeaveOut):
        return ""
    return f"The plugin {decided.plugin} left it out: {decided.answer.reason}"


def offers(flow: Flow, levels: Sequence[StockLevel]) -> Mapping[str, Decimal]:
    """The pieces to show instead of the portal's own figure, by the levels' external id."""
    if not levels or not deciders("decide_availability"):
        return {}
    ours = {level.external_id: level.available for level in levels}
    decided = ask(
        "decide_availability",
        ours.keys(),
        lambda offer: _refuse_offer(offer, ours),
        off=off_for(flow.source.slug, flow.target.slug),
        flow=flow_info(flow),
        levels=tuple(levels),
    )
    return {external_id: each.answer.pieces for external_id, each in decided.items()}


def _refuse_route(answer: Any) -> str:
    if not isinstance(answer, Send | LeaveOut | Hold):
        return f"it answered {answer!r}, which is no Send, LeaveOut or Hold"
    words = [getattr(answer, name, "–") for name in ("reason", "mend")]
    if not all(isinstance(word, str) and word.strip() for word in words):
        return f"it answered {answer!r}, which does not say why or what to do"
    return ""


def _refuse_offer(answer: Any, ours: Mapping[str, Decimal]) -> str:
    if not isinstance(answer, Offer):
        return f"it answered {answer!r}, which is no Offer"
    pieces, most = answer.pieces, ours[answer.external_id]
    if not isinstance(pieces, Decimal) or not pieces.is_finite() or pieces % FINEST:
        return (
            f"it offered {pieces!r} for {answer.external_id!r}; pieces are a Decimal with up to four decimals"
        )
    if not 0 <= pieces <= most:
        return (
            f"it offered {pieces} for {answer.external_id!r}; between 0 and {most.normalize():f} can be sold"
        )
    return ""


def _orphans(flow: Flow, rows: Sequence[Any]) -> dict[str, Decided[Route]]:
    """Refunds and shipments of orders that were left out: the target knows nothing that they could belong to."""
    orders = {row.order_id for row in rows if getattr(row, "order_id", None)}
    if not orders:
        return {}
    theirs = Operation.objects.filter(connection=flow.target, kind="order", record_id__in=orders)
    newest = {each.record_id: each for each in theirs.only("record_id", "cause", "message").order_by("pk")}
    return {
        row.external_id: Decided(
            "that left out its order", LeaveOut(row.external_id, newest[row.order_id].message)
        )
        for row in rows
        if row.order_id in newest and newest[row.order_id].cause == LEFT_OUT
    }
