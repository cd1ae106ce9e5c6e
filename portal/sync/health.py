"""A connection's light, its rest and its case, by what its calls said."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import check_connection, note_success, note_trouble
from portal.records.trouble import Trouble
from portal.sdk import Misconfigured, PortalError, Receipt
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.decide import Result
from portal.sync.doors import ring_all
from portal.sync.models import Operation


def judge(connection: Connection, results: Sequence[Result | None]) -> None:
    """The connection's light follows what its calls said."""
    for result in results:
        if isinstance(result, PortalError) and result.whole_connection:
            trouble(connection, result)
            return
    if any(isinstance(result, Receipt) for result in results):
        recovered(connection)


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
