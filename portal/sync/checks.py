"""What a record must fulfil before anything is sent for it. A failed check holds that one record."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum

from portal.records.models import Order, Refund
from portal.records.totals import difference
from portal.sdk import Money


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a record is held: its cause, what is wrong, and what to do."""

    cause: str
    message: str
    mend: str


def faults(kind: str, rows: Sequence[Any]) -> dict[int, Fault]:
    """The faults of a page's rows, by primary key. A constant number of queries."""
    if kind == "order":
        return _order_faults(rows)
    if kind == "refund":
        return _refund_faults(rows)
    return {}


def _order_faults(orders: Sequence[Order]) -> dict[int, Fault]:
    found = {}
    for order in orders:
        if said := difference(order.record):
            found[order.pk] = Fault(
                "totals-differ", said, "Correct the order at its source; it is read again by itself."
            )
    return found


def _refund_faults(refunds: Sequence[Refund]) -> dict[int, Fault]:
    """No order gives back more than was captured; summed over the entries, the earliest count first."""
    order_ids = {refund.order_id for refund in refunds if refund.order_id}
    orders = Order.objects.in_bulk(order_ids)
    page = [refund.pk for refund in refunds]
    spent: dict[int, int] = defaultdict(int)
    for row in (
        Refund.objects.filter(order__in=order_ids)
        .exclude(pk__in=page)
        .values("order")
        .annotate(given=Sum("total_minor"))
    ):
        spent[row["order"]] = row["given"]
    found = {}
    for refund in sorted(refunds, key=lambda row: (row.refunded_at, row.pk)):
        if refund.order_id is None:
            continue
        order = orders[refund.order_id]
        if refund.currency != order.currency:
            found[refund.pk] = Fault(
                "other-currency",
                f"Refund {refund} is in {refund.currency}, but its order {order} in {order.currency}.",
                "Correct the refund at its source, or book it by hand.",
            )
            continue
        spent[refund.order_id] += refund.total_minor
        if spent[refund.order_id] > order.paid_minor:
            given = Money.from_minor(spent[refund.order_id], refund.currency)
            paid = Money.from_minor(order.paid_minor, order.currency)
            found[refund.pk] = Fault(
                "over-refund",
                f"With refund {refund} the order has {given} given back, but only {paid} was captured.",
                "Check the refunds of this order at its source; book the rest there by hand if it is right.",
            )
    return found
