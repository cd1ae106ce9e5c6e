"""Looking again at an order's refunds once it has come, or once something else was captured for it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from portal.records.models import Refund
from portal.sync.cases import open_cases
from portal.sync.checks import faults
from portal.sync.facts import note
from portal.sync.models import Operation
from portal.sync.release import retry
from portal.sync.route import hold_trouble


def recheck_refunds(orders: Collection[int], now: datetime) -> None:
    """Hold what is too much now, and let go what no longer is. ``orders`` are our primary keys.

    Only what was not sent yet; two queries where there is nothing to do.
    """
    refunds = {refund.pk: refund for refund in Refund.objects.filter(order__in=orders)}
    waiting = list(
        Operation.objects.select_for_update(of=("self",))
        .filter(kind="refund", record_id__in=list(refunds), state__in=Operation.WAITING)
        .select_related("flow__source", "connection")
        .prefetch_related("effects")
    )
    if not waiting:
        return
    found = faults("refund", list(refunds.values()))
    right = [each for each in waiting if each.cause == "over-refund" and each.record_id not in found]
    if right:
        retry(right, now, why="Enough was captured for it now; it is tried again.")
    wrong = [each for each in waiting if each.cause != "over-refund" and each.record_id in found]
    for operation in wrong:
        fault = found[operation.record_id]
        operation.state, operation.cause, operation.message = Operation.State.HELD, fault.cause, fault.message
    Operation.objects.bulk_update(wrong, ["state", "cause", "message"])
    for operation in wrong:
        trouble = hold_trouble(operation.flow.source, operation, found[operation.record_id])
        open_cases(operation.connection, [trouble], now)
        note("refund", [(operation.record_id, f"Held: {operation.message}", operation.pk)], now)
