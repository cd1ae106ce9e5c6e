"""What should have come in and did not: counts and number sequences compared with the source.

Compared is what was placed before the last whole reading began, with room for clocks that differ: all of that
must be here. A difference becomes a case that names the stretch of time, and whose button reads it again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from portal.connections.models import Connection
from portal.connections.services import opened
from portal.records.models import Order
from portal.records.store import MODELS
from portal.records.trouble import Trouble
from portal.sync import backfill
from portal.sync.backfill import DATED
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.flows import ACTIVE
from portal.sync.leases import Heartbeat
from portal.sync.models import Backfill, CaseItem, Flow, Job
from portal.sync.progress import Progress
from portal.sync.unheard import look_for_unheard

ROOM = timedelta(minutes=3)
"""Left for clocks that differ. With a reading every minute, what is missing is found within ten minutes."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
"""The hour is compared alone, so that what the source deleted earlier cannot hide what is missing now."""

FINEST = timedelta(minutes=2)
MOST_CALLS = 60
"""Counting for one kind in one round; beyond it a gap is told less exactly."""

CAUSE = "gap-"
"""Begins the cause of such a case; the kind of record follows."""

NUMBERED = re.compile(r"(.*?)(\d{1,15})")
DENSE = 0.95
FEWEST = 20
"""A sequence tells of gaps when it has so many numbers, and hardly any of them is missing."""


@dataclass(frozen=True, slots=True)
class Gap:
    """So many records are missing that are dated from ``since`` on and before ``until``."""

    since: datetime
    until: datetime
    missing: int
    what: str

    def subject(self, connection: Connection, kind: str) -> str:
        begin, end = (each.astimezone(UTC).isoformat() for each in (self.since, self.until))
        return f"gap:{connection.pk}:{kind}:{begin}/{end}"


def work(job: Job, progress: Progress) -> None:
    """The job: one comparison for each kind that flows from this connection."""
    connection = job.connection
    assert connection is not None, "gaps are looked for in what a connection has"
    for kind in _kinds(connection):
        read = Job.objects.filter(connection=connection, name=f"pull:{kind}", enabled=True).first()
        if read is None or read.last_began_at is None:
            continue
        _compare(job, kind, read.last_began_at - ROOM, progress)
        look_for_unheard(connection, kind, progress)


def _kinds(connection: Connection) -> list[str]:
    flows = Flow.objects.filter(source=connection, state__in=ACTIVE, kind__in=("order", "refund"))
    return sorted(set(flows.values_list("kind", flat=True)))


def _compare(job: Job, kind: str, until: datetime, progress: Progress) -> None:
    connection = job.connection
    assert connection is not None, "only a connection is compared"
    with opened(connection, Heartbeat(job)) as connector:
        count: Callable[[datetime, datetime], int] | None = getattr(connector, f"count_{kind}", None)
        if count is not None:
            found = list(_by_count(connection, kind, count, until))
        elif kind == "order":
            found = list(_by_number(connection, until))
        else:
            return
    set_aside = CaseItem.objects.filter(
        subject__startswith=f"unreadable:{connection.pk}:{kind}:", resolved_at=None
    ).count()
    if sum(gap.missing for gap in found) <= set_aside:  # those have their own case
        found = []
    progress.add(Counter(missing=sum(gap.missing for gap in found)))
    _tell(connection, kind, found)


# -- by count --


def _by_count(
    connection: Connection, kind: str, count: Callable[[datetime, datetime], int], until: datetime
) -> Iterator[Gap]:
    """The stretches of the last day of which the source has more than we."""
    calls = 0

    def narrow(since: datetime, until: datetime) -> Iterator[Gap]:
        nonlocal calls
        calls += 1
        there, here = count(since, until), _ours(connection, kind, since, until)
        steps = (until - since) // FINEST
        if there <= here:
            return
        if steps < 2 or calls >= MOST_CALLS:
            what = f"{connection} has {there} {kind}s of that time, {here} of them came in"
            yield Gap(since, until, there - here, what)
            return
        middle = since + FINEST * (steps // 2)
        yield from narrow(since, middle)
        yield from narrow(middle, until)

    # Whole steps of the clock: the same gap has the same name at the next comparison.
    until = datetime.fromtimestamp(until.timestamp() // FINEST.seconds * FINEST.seconds, UTC)
    yield from narrow(until - HOUR, until)
    yield from narrow(until - DAY, until - HOUR)


def _ours(connection: Connection, kind: str, since: datetime, until: datetime) -> int:
    dated = DATED[kind]
    rows: Any = MODELS[kind].objects.filter(origin=connection)
    number: int = rows.filter(**{f"{dated}__gte": since, f"{dated}__lt": until}).count()
    return number


# -- by number --


def _by_number(connection: Connection, until: datetime) -> Iterator[Gap]:
    """Numbers that are left out between those of the last day, where the source numbers without gaps."""
    orders = Order.objects.filter(origin=connection, placed_at__gte=until - DAY, placed_at__lt=until)
    series: dict[str, dict[int, tuple[str, datetime]]] = defaultdict(dict)
    for number, placed_at in orders.values_list("number", "placed_at"):
        if match := NUMBERED.fullmatch(number):
            series[match[1]][int(match[2])] = number, placed_at
    for numbers in series.values():
        ordered = sorted(numbers)
        if len(ordered) < FEWEST or len(ordered) < DENSE * (ordered[-1] - ordered[0] + 1):
            continue
        for before, after in pairwise(ordered):
            if after - before == 1:
                continue
            (first, begin), (last, end) = numbers[before], numbers[after]
            since, to = min(begin, end), max(begin, end) + timedelta(seconds=1)
            if not _searched(connection, since, to):
                yield Gap(
                    since, to, after - before - 1, f"The numbers between {first} and {last} did not come in"
                )


def _searched(connection: Connection, since: datetime, until: datetime) -> bool:
    """Whether that stretch was read again already: what it left out does not exist."""
    return Backfill.objects.filter(
        connection=connection, kind="order", state=Backfill.State.DONE, since__lte=since, until__gte=until
    ).exists()


# -- telling --


def _tell(connection: Connection, kind: str, found: list[Gap]) -> None:
    now = db_now()
    troubles = [
        Trouble(
            cause=f"{CAUSE}{kind}",
            key=f"{connection.pk}:{CAUSE}{kind}",
            title=f"Some {kind}s of {connection} did not come in",
            mend=f"Press “Fetch what is missing”: that time is read again from {connection}. If it happens "
            f"again, its list of changes leaves {kind}s out; tell the connector's author.",
            subject=gap.subject(connection, kind),
            label=f"{gap.since.astimezone(UTC):%Y-%m-%d %H:%M} to {gap.until.astimezone(UTC):%H:%M} UTC",
            message=f"{gap.what}: {gap.missing} missing.",
        )
        for gap in found
    ]
    standing = CaseItem.objects.filter(
        subject__startswith=f"gap:{connection.pk}:{kind}:", resolved_at=None
    ).exclude(subject__in=[trouble.subject for trouble in troubles])
    open_cases(connection, troubles, now)
    settle_subjects(list(standing.values_list("subject", flat=True)), now)


def fetch_missing(case: Any, by: Any) -> int:
    """The mending step: each stretch of the case is read again. Returns how many. Raises ``ValueError``."""
    asked = 0
    for item in case.items.filter(resolved_at=None, subject__startswith="gap:"):
        kind, _, span = item.subject.split(":", 2)[2].partition(":")
        since, until = (datetime.fromisoformat(each) for each in span.split("/"))
        same = Backfill.objects.filter(
            connection=case.connection, kind=kind, since__lte=since, until__gte=until, state__in=Backfill.OPEN
        )
        if not same.exists():
            backfill.ask(case.connection, kind, since, until, by)
            asked += 1
    return asked
