"""A connection's light, its rest and its case, by what its calls said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import check_connection, note_success, note_trouble
from portal.records.trouble import Trouble
from portal.sdk import Misconfigured, MustWait, PortalError, Receipt
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now, in_
from portal.sync.decide import Result
from portal.sync.doors import ring_all
from portal.sync.models import Operation

OPEN_AFTER = 3
"""Failures of the whole connection in a row after which its circuit is open: one call alone is tried."""

PROBE = timedelta(seconds=60)
"""How long one trial may take before another worker may make the next."""


def judge(connection: Connection, results: Sequence[Result | None]) -> None:
    """The connection's light follows what its calls said."""
    whole = [result for result in results if isinstance(result, PortalError) and result.whole_connection]
    failures = [result for result in whole if not isinstance(result, MustWait)]
    for result in (failures or whole)[:1]:
        trouble(connection, result)
    if not failures and any(isinstance(result, Receipt) for result in results):
        recovered(connection)


def usable(connection: Connection) -> bool:
    """Whether work with the connection may begin now; ``resting_until`` says when to ask again.

    After a rest the jobs simply go on, until it has failed ``OPEN_AFTER`` times in a row. From then on one worker
    of all hosts, the first to come after the rest, tests the connection; the others wait for what it finds.
    """
    if connection.resting_until is None:
        return True
    if connection.resting_until > db_now():
        return False
    if connection.failures < OPEN_AFTER:
        return True
    ours = Connection.objects.filter(pk=connection.pk, resting_until=connection.resting_until).update(
        resting_until=in_(PROBE)
    )
    if ours:
        probe(connection)
    connection.refresh_from_db()
    return connection.resting_until is None


def trouble(connection: Connection, error: PortalError) -> None:
    """The whole connection fails: it rests; what a person has to mend becomes a case."""
    note_trouble(connection, error)
    if isinstance(error, Misconfigured):
        open_cases(
            connection,
            [
                Trouble(
                    cause="connection",
                    key=f"{connection.pk}:connection",
                    title=f"{connection} cannot be used: {error.message}",
                    mend=error.mend or "Open the connection, correct it and test it.",
                    subject=f"connection:{connection.pk}",
                    label=str(connection),
                    message=str(error),
                )
            ],
            timezone.now(),
        )


def recovered(connection: Connection) -> None:
    """A call worked: the light turns green, the connection's case is settled, and what rested goes on."""
    if connection.health != Connection.Health.GOOD or connection.failures:
        note_success(connection)
        wake(connection)


def probe(connection: Connection) -> tuple[bool, str]:
    """Test the connection as a person asks for it: (yes, what it said) or (no, what to mend)."""
    works, said = check_connection(connection)
    if works:
        wake(connection)
    return works, said


def wake(connection: Connection) -> None:
    """The connection works, or was mended: what waited for that waits no longer."""
    settle_subjects([f"connection:{connection.pk}"], timezone.now())
    Operation.objects.filter(
        connection=connection, state=Operation.State.RETRY_WAIT, cause="connection"
    ).update(due_at=Now())
    ring_all(connection)
