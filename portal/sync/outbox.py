"""Claiming operations: an exclusive lease, counted before the work begins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Prefetch, QuerySet, When
from django.db.models.functions import Now

from portal.connections.models import Connection
from portal.plugins.manager import connector_class_or_none
from portal.sdk import Connector
from portal.sync.clock import in_, unleased
from portal.sync.models import Flow, Operation
from portal.sync.workers import machine, my_name, surely_dead

LEASE = timedelta(seconds=60)
State = Operation.State

SUSPECT = 2
"""Workers lost with an operation in hand, and others beside it, before it is sent alone. More of them prove no more."""

ONE_MORE = Case(
    When(workers_lost__lt=SUSPECT, then=F("workers_lost") + 1),
    default=F("workers_lost"),
    output_field=IntegerField(),
)


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


def claim(
    connection: Connection, most: int, *, not_from: Collection[int] = (), suspect: bool = False
) -> list[Operation]:
    """Take up to ``most`` operations: to send (they become *sending*) or to look up (they stay *unknown*).

    Those that were in hand when several workers were lost only when asked for a ``suspect``.

    Each has its fence and its attempts raised before a byte leaves. Two workers never get the same one:
    PostgreSQL skips locked rows, SQLite has one writer; the constraint on the aggregate is behind both. The lease,
    by the database's clock, stands in the database alone.
    """
    try:
        with transaction.atomic():
            claimed = list(
                claimable(not_from=not_from)
                .filter(connection=connection, **{f"workers_lost__{'gte' if suspect else 'lt'}": SUSPECT})
                .select_for_update(skip_locked=True, of=("self",))
                .prefetch_related(Prefetch("flow", Flow.objects.select_related("source")))
                .order_by("due_at", "pk")[:most]
            )
            for operation in claimed:
                doubtful = operation.state == State.UNKNOWN or operation.look_up_first
                operation.state = State.UNKNOWN if doubtful else State.SENDING
                operation.attempts += 0 if doubtful else 1
                operation.fence += 1
            _stamp([each.pk for each in claimed if each.state == State.UNKNOWN], state=State.UNKNOWN)
            _stamp(
                [each.pk for each in claimed if each.state == State.SENDING],
                state=State.SENDING,
                attempts=F("attempts") + 1,
            )
    except IntegrityError:
        return []
    for operation in claimed:
        operation.connection = connection
    return claimed


def _stamp(ids: list[int], **fields: object) -> None:
    """Ours from now on: these rows are locked, and were read as they are."""
    if ids:
        Operation.objects.filter(pk__one_of=ids).update(
            fence=F("fence") + 1, lease_until=in_(LEASE), worker=my_name(), **fields
        )


def keep_leases(operations: list[Operation]) -> None:
    """Prolong the leases of what is still being sent."""
    for fence in {operation.fence for operation in operations}:
        ids = [operation.pk for operation in operations if operation.fence == fence]
        Operation.objects.filter(pk__one_of=ids, fence=fence).update(lease_until=in_(LEASE))


def doubt_lapsed() -> int:
    """A lease that ran out while sending: the worker is gone, and nobody knows what the remote has done.

    They keep their due times and so come before all that waits: the lease was grace enough.
    """
    lapsed = Operation.objects.filter(lease_until__lt=Now())
    lapsed.filter(state=State.UNKNOWN).update(lease_until=None, workers_lost=ONE_MORE)
    return _doubt(lapsed.filter(state=State.SENDING))


def take_back() -> int:
    """The same at once, for what workers of this machine had in hand that are surely dead. Returns how many.

    What they sent may still be at work in the remote, so its grace passes before anybody asks.
    """
    held = Operation.objects.filter(
        state__in=[State.SENDING, State.UNKNOWN], lease_until__gt=Now(), worker__endswith=machine()
    )
    dead = surely_dead(held.values_list("worker", flat=True))
    if not dead:
        return 0
    lost = held.filter(worker__in=dead)
    count = lost.filter(state=State.UNKNOWN).update(lease_until=None, workers_lost=ONE_MORE)
    for target in Connection.objects.filter(pk__in=lost.values("connection")):
        count += _doubt(lost.filter(state=State.SENDING, connection=target), due_at=in_(_grace(target)))
    return count


def let_go(target: Connection) -> int:
    """Doubt what this process had claimed for ``target`` and has not settled, and will not. Returns how many."""
    mine = Operation.objects.filter(connection=target, worker=my_name(), lease_until__gt=Now())
    mine.filter(state=State.UNKNOWN).update(lease_until=None)
    return mine.filter(state=State.SENDING).update(
        state=State.UNKNOWN,
        lease_until=None,
        cause="database-away",
        message="The database failed while it was being sent; the remote is asked what it has done.",
        due_at=in_(_grace(target)),
    )


def _grace(target: Connection) -> timedelta:
    return (connector_class_or_none(target.connector) or Connector).grace


def _doubt(sending: QuerySet[Operation], **fields: object) -> int:
    return sending.update(
        state=State.UNKNOWN,
        lease_until=None,
        workers_lost=ONE_MORE,
        cause="worker-lost",
        message="The worker that was sending it stopped; the remote is asked what it has done.",
        **fields,
    )
