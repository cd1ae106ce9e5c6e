"""Claiming operations: an exclusive lease, counted before the work begins."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from portal.connections.models import Connection
from portal.sync.clock import in_, unleased
from portal.sync.models import Flow, Operation

LEASE = timedelta(seconds=60)
State = Operation.State


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def claimable(*, not_from: Collection[int] = ()) -> QuerySet[Operation]:
    """Operations that may be worked on now: due, of a live flow, and nothing older open of their aggregate.

    What waits for the aggregate's order does not stand in that order's way. ``not_from`` are sources whose
    changes wait.
    """
    older = Operation.objects.filter(
        connection=OuterRef("connection"),
        aggregate=OuterRef("aggregate"),
        state__among=Operation.OPEN,
        pk__lt=OuterRef("pk"),
    ).exclude(state=State.HELD, cause="missing-order")
    found = Operation.objects.filter(
        ~Exists(older),
        unleased(),
        flow__state=Flow.State.LIVE,
        state__among=Operation.MOVING,
        due_at__lte=Now(),
    ).exclude(state=State.SENDING)
    return found.exclude(flow__source__in=not_from) if not_from else found


def claim(connection: Connection, most: int, *, not_from: Collection[int] = ()) -> list[Operation]:
    """Take up to ``most`` operations: to send (they become *sending*) or to look up (they stay *unknown*).

    Each has its fence and its attempts raised before a byte leaves. Two workers never get the same one:
    PostgreSQL skips locked rows, SQLite has one writer; the constraint on the aggregate is behind both.
    """
    try:
        with transaction.atomic():
            ids = list(
                claimable(not_from=not_from)
                .filter(connection=connection)
                .select_for_update(skip_locked=True, of=("self",))
                .order_by("due_at", "pk")
                .values_list("pk", flat=True)[:most]
            )
            taken = Operation.objects.filter(pk__in=ids)
            stamp = {"fence": F("fence") + 1, "lease_until": in_(LEASE), "worker": worker_name()}
            taken.filter(Q(state=State.UNKNOWN) | Q(look_up_first=True)).update(state=State.UNKNOWN, **stamp)
            taken.exclude(state=State.UNKNOWN).update(
                state=State.SENDING, attempts=F("attempts") + 1, **stamp
            )
            return list(
                Operation.objects.filter(pk__in=ids)
                .select_related("flow__source", "connection")
                .order_by("due_at", "pk")
            )
    except IntegrityError:
        return []


def keep_leases(operations: list[Operation]) -> None:
    """Prolong the leases of what is still being sent."""
    for fence in {operation.fence for operation in operations}:
        ids = [operation.pk for operation in operations if operation.fence == fence]
        Operation.objects.filter(pk__in=ids, fence=fence).update(lease_until=in_(LEASE))


def doubt_lapsed() -> int:
    """A lease that ran out while sending: the worker is gone, and nobody knows what the remote has done.

    They keep their due times and so come before all that waits: the lease was grace enough.
    """
    return Operation.objects.filter(state=State.SENDING, lease_until__lt=Now()).update(
        state=State.UNKNOWN,
        lease_until=None,
        cause="worker-lost",
        message="The worker that was sending it stopped; the remote is asked what it has done.",
    )
