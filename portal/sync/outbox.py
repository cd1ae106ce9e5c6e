"""Claiming operations: an exclusive lease, counted before the work begins."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Case, F, IntegerField, OuterRef, QuerySet, Subquery, When
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


def live_flows(*, not_from: Collection[int] = ()) -> dict[int, Flow]:
    """The flows whose changes may go out now, by their ids. ``not_from`` are sources whose changes wait."""
    live = Flow.objects.filter(state=Flow.State.LIVE).exclude(source__in=not_from)
    return {flow.pk: flow for flow in live.select_related("source")}


def claimable(flows: Collection[int]) -> QuerySet[Operation]:
    """Operations of these flows that may be worked on now: due, and nothing older open of their aggregate.

    What waits for the aggregate's order does not stand in that order's way.

    The cost is the same whatever the backlog, and whatever the database's statistics know of it: flows are named,
    not joined, and the oldest of its aggregate is looked up for each. As a join, PostgreSQL compares each with the
    whole backlog when its statistics are of a time without one. ``<=`` says no more than ``=`` would, but by ``=``
    it expects few to pass, and looks at all before it sorts them.
    """
    in_turn = (
        Operation.objects.filter(
            connection=OuterRef("connection"),
            aggregate=OuterRef("aggregate"),
            state__among=Operation.OPEN,
        )
        .exclude(state=State.HELD, cause="missing-order")
        .order_by("pk")
    )
    return Operation.objects.filter(
        unleased(),
        pk__lte=Subquery(in_turn.values("pk")[:1]),
        flow__in=flows,
        state__among=Operation.MOVING,
        due_at__lte=Now(),
    ).exclude(state=State.SENDING)


def claim(
    connection: Connection, most: int, *, not_from: Collection[int] = (), suspect: bool = False
) -> list[Operation]:
    """Take up to ``most`` operations: to send (they become *sending*) or to look up (they stay *unknown*).

    Those that were in hand when several workers were lost only when asked for a ``suspect``.

    Each has its fence and its attempts raised before a byte leaves. Two workers never get the same one:
    PostgreSQL skips locked rows, SQLite has one writer; the constraint on the aggregate is behind both. The lease,
    by the database's clock, stands in the database alone.
    """
    flows = live_flows(not_from=not_from)
    try:
        with transaction.atomic():
            claimed = list(
                claimable(flows)
                .filter(connection=connection, **{f"workers_lost__{'gte' if suspect else 'lt'}": SUSPECT})
                .select_for_update(skip_locked=True)
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
        operation.flow = flows[operation.flow_id]
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
