"""What every queue's task does, as a Django project does it: one task for each order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from bench.candidates import shop  # noqa: E402
from bench.candidates.project.models import Order  # noqa: E402


def add(orders: list[dict[str, Any]]) -> list[str]:
    """Store a page in one transaction; the references of those that are new."""
    references = [order["id"] for order in orders]
    with transaction.atomic():
        known = set(Order.objects.filter(reference__in=references).values_list("reference", flat=True))
        Order.objects.bulk_create(
            (Order(reference=order["id"], payload=order) for order in orders if order["id"] not in known),
            ignore_conflicts=True,
        )
    return [reference for reference in references if reference not in known]


def work(reference: str) -> None:
    order = Order.objects.get(reference=reference)
    if order.state == "done":
        return
    order.remote_id, order.state, order.sent_at = shop.deliver(order.payload), "done", timezone.now()
    order.save(update_fields=["remote_id", "state", "sent_at"])


def main(enqueue: Callable[[str], object], prepare: Callable[[], object] = lambda: None) -> None:
    """The roles ``prepare`` and ``go``."""

    def poll(after: int) -> int:
        for orders, last in shop.pages(after):
            for reference in add(orders):
                enqueue(reference)
            after = last
        return after

    if sys.argv[1] == "prepare":
        call_command("migrate", run_syncdb=True, verbosity=0)
        prepare()
    else:
        shop.serve(poll)
