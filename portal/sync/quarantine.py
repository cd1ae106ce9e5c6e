"""After a restore: what was done since the backup is forgotten here, and stands at the remotes.

So nothing is sent before its remote was asked whether it has it. First the sources are read again from the
restored cursors on, then what is due is looked up: found → done, surely absent → sent, nobody can tell →
a person. Figures of stock are not believed before they were read anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.connections.models import Connection
from portal.records.models import StockLevel
from portal.sync.cases import operation_subject, settle_subjects
from portal.sync.clock import db_now
from portal.sync.models import Beat, Flow, Job, Operation, Quarantine

State = Operation.State
FOR_EVER = datetime.max.replace(tzinfo=UTC)
MOVING = (State.READY, State.SENDING, State.RETRY_WAIT, State.UNKNOWN)
"""States that lead on by themselves, without a person."""


def begin(how: str, *, remembered: datetime | None, known: datetime | None) -> Quarantine:
    """Doubt everything that this database may have forgotten. One that is open already is replaced."""
    now = db_now()
    with transaction.atomic():
        Quarantine.objects.filter(open=True).update(
            open=False, ended_at=now, reason="The database was set back once more."
        )
        quarantine = Quarantine.objects.create(how=how, remembered=remembered, known=known, began_at=now)
        _doubt_operations()
        _doubt_stock(now)
        _read_again(now)
        # They name processes of the past.
        Beat.objects.all().delete()
    return quarantine


def _doubt_operations() -> None:
    """Each may have been sent since; the fence shuts out whoever still holds one."""
    pending = Operation.objects.filter(state__in=[*Operation.OPEN, State.DEAD]).exclude(kind=Flow.Kind.STOCK)
    pending.update(look_up_first=True, lease_until=None, fence=F("fence") + 1)
    pending.filter(state=State.SENDING).update(
        state=State.UNKNOWN,
        cause="restored",
        message="It was being sent when the backup was made; the remote is asked what it has done.",
    )


def _doubt_stock(now: datetime) -> None:
    """Old figures are not sent; new ones are computed when both sides were read."""
    pending = Operation.objects.filter(state__in=Operation.OPEN, kind=Flow.Kind.STOCK)
    subjects = [operation_subject(pk) for pk in pending.values_list("pk", flat=True)]
    pending.update(
        state=State.CANCELLED,
        cause="restored",
        message="The database was restored; the figure is computed anew.",
        finished_at=now,
        lease_until=None,
        fence=F("fence") + 1,
    )
    settle_subjects(subjects, now)
    channels = Flow.objects.filter(kind=Flow.Kind.STOCK).values("target")
    StockLevel.objects.filter(connection__in=channels).update(doubted_since=now, unknown_since=now)


def _read_again(now: datetime) -> None:
    """No source counts as read; stock is read from the beginning, the rest from the restored cursors."""
    Job.objects.update(due_at=now, lease_until=None, rung_at=None, fence=F("fence") + 1)
    Job.objects.filter(name__startswith="pull:").update(last_began_at=None)
    Job.objects.filter(name="pull:stock").update(cursor="")


def forgotten_until() -> datetime | None:
    """Records from before this moment may have been sent without our remembering it; None: nothing was forgotten."""
    last = Quarantine.objects.values_list("open", "ended_at").first()
    if last is None:
        return None
    still_open, ended_at = last
    return FOR_EVER if still_open else ended_at


def era() -> str:
    """What keys of stock end with since the last restore: the numbers before it may have been used twice."""
    began = Quarantine.objects.values_list("began_at", flat=True).first()
    return f"~{int(began.timestamp())}" if began else ""


def unread_sources() -> Collection[int]:
    """The connections that were not read to their end since the restore: what comes from them waits."""
    if not Quarantine.objects.filter(open=True).exists():
        return ()
    return set(_unread().values_list("connection_id", flat=True))


def _unread() -> QuerySet[Job]:
    return _reading().filter(last_began_at=None)


def _reading() -> QuerySet[Job]:
    return Job.objects.filter(name__startswith="pull:", enabled=True, connection__enabled=True)


def _looking_up() -> QuerySet[Operation]:
    """What is looked up by itself; what stands behind something that needs a person is not waited for."""
    before = Operation.objects.filter(
        connection=OuterRef("connection"),
        aggregate=OuterRef("aggregate"),
        state__in=[State.HELD, State.REVIEW],
        pk__lt=OuterRef("pk"),
    )
    live = Q(flow__state=Flow.State.LIVE, connection__enabled=True)
    return Operation.objects.filter(live, ~Exists(before), look_up_first=True, state__in=MOVING)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a quarantine has come: counts, and the names of what is waited for."""

    reads: int
    read: int
    unread: tuple[str, ...]
    to_look_up: int
    found: int
    for_people: int


def progress(quarantine: Quarantine) -> Progress:
    """Counted from the rows. Sensible while it is open."""
    doubted = Operation.objects.filter(look_up_first=True)
    unread = _unread()
    return Progress(
        reads=_reading().count(),
        read=_reading().exclude(last_began_at=None).count(),
        unread=tuple(
            Connection.objects.filter(pk__in=unread.values("connection")).values_list("name", flat=True)
        ),
        to_look_up=_looking_up().count(),
        found=doubted.filter(state=State.DONE, finished_at__gte=quarantine.began_at).count(),
        for_people=doubted.filter(state__in=[State.HELD, State.REVIEW]).count(),
    )


def review() -> None:
    """End the quarantine when every source was read and all that could be looked up was."""
    if not Quarantine.objects.filter(open=True).exists() or _unread().exists() or _looking_up().exists():
        return
    _end("Every source was read again, and all that was in doubt was looked up.", by=None)


def end(by: Any, reason: str) -> None:
    """A person ends it early. What is in doubt is still looked up first, but waits for no reading any more.

    Raises ``ValueError`` without a reason, or when there is none to end.
    """
    if not reason.strip():
        raise ValueError("Say why: it is kept with the quarantine.")
    if not _end(reason.strip(), by=by):
        raise ValueError("The quarantine has ended already.")


def _end(reason: str, by: Any) -> int:
    return Quarantine.objects.filter(open=True).update(
        open=False, ended_at=db_now(), ended_by=by, reason=reason
    )
