"""What is done with connections: save, open, test, and tell how they are."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, get_args

from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Now
from django.utils import timezone
from pydantic import SecretBytes, SecretStr, ValidationError

from portal.connections.budget import Turns, rate_of
from portal.connections.crypto import require
from portal.connections.models import Connection
from portal.connections.plugin_switches import require_on_for
from portal.plugins.failures import charge
from portal.plugins.manager import FOREIGN, UnknownConnector, connector_class
from portal.sdk import Connector, Misconfigured, MustWait, PortalError, RetryLater, Settings
from portal.sdk.pacing import paced

logger = logging.getLogger(__name__)

REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=10)
BROKEN_REST = timedelta(minutes=5)


def secret_fields(settings: type[Settings]) -> list[str]:
    """Names of the settings that are credentials: kept encrypted, never shown again."""
    return [name for name, field in settings.model_fields.items() if _is_secret(field.annotation)]


def _is_secret(annotation: Any) -> bool:
    """Also ``SecretStr | None`` and the like."""
    return annotation in (SecretStr, SecretBytes) or any(map(_is_secret, get_args(annotation)))


def save_connection(connection: Connection, values: Mapping[str, Any]) -> Connection:
    """Store ``values`` as settings and credentials. An empty credential keeps the one already stored.

    Raises ``pydantic.ValidationError`` when a value does not fit the connector's settings.
    """
    cls = connector_class(connection.connector).Settings
    secret = secret_fields(cls)
    kept = {name: value for name, value in connection.credentials.items() if name in secret}
    given = {name: value for name, value in values.items() if value not in (None, "") or name not in secret}
    cls.model_validate({**kept, **given})
    connection.credentials = kept | {name: given[name] for name in secret if name in given}
    connection.settings = {name: value for name, value in given.items() if name not in secret}
    connection.resting_until = None
    connection.failures = 0
    if connection.pk:
        connection.health, connection.health_since = Connection.Health.UNKNOWN, timezone.now()
        connection.health_text = "Its settings were saved, and it was not tested since."
    connection.save()
    return connection


def open_connector(connection: Connection, turns: Turns | None = None) -> Connector:
    """The connector of this connection, its calls paced.

    Raises ``Misconfigured`` when its plugin is missing or switched off, or
    when a setting is missing."""
    try:
        cls = connector_class(connection.connector)
        require_on_for(connection)
        credentials = require(connection.credentials)
        settings = cls.Settings.model_validate({**connection.settings, **credentials})
    except UnknownConnector as error:
        raise Misconfigured(str(error)) from error
    except ValidationError as error:
        names = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        raise Misconfigured(
            f"The settings of {connection} are not complete: {names}.",
            mend="Open the connection and fill them in.",
        ) from None
    turns = turns or Turns(connection)
    with paced(turns):
        connector = cls(settings)
    turns.rate = rate = rate_of(connection, connector.rate)
    if rate is not None:
        # More threads than turns in a second would only wait for each other.
        connector.in_flight = min(connector.in_flight, max(1, int(rate.per_second)))  # type: ignore[misc]
    return connector


@contextmanager
def opened(connection: Connection, beat: Callable[[], None] | None = None) -> Iterator[Connector]:
    """The connector, closed at the end whatever happens; ``beat`` is called before each of this thread's calls."""
    with (
        closing(Turns(connection, beat)) as turns,
        closing(open_connector(connection, turns)) as connector,
    ):
        yield connector


def check_connection(connection: Connection) -> tuple[bool, str]:
    """Ask the remote whether address and credentials work: (yes, what it said) or (no, what to mend)."""
    try:
        with opened(connection) as connector:
            said = connector.check()
    except PortalError as error:
        note_trouble(connection, error, trial=True)
        return False, str(error)
    except FOREIGN as error:
        logger.exception("The connector of %s failed at its test.", connection)
        charge(error, partial(redacted, connection))
        return False, redacted(connection, f"The connector failed: {type(error).__name__}: {error}")
    note_success(connection, said)
    return True, said


def redacted(connection: Connection, text: str) -> str:
    """The text of an error that nobody foresaw, and that may show what it was given."""
    for secret in connection.credentials.values():
        text = text.replace(str(secret), "…")
    return text


def note_success(connection: Connection, said: str = "") -> None:
    """Something worked: the light turns green and nothing waits any more."""
    if connection.health == Connection.Health.GOOD and not said and not connection.failures:
        return
    Connection.objects.filter(pk=connection.pk).exclude(health=Connection.Health.GOOD).update(
        health_since=timezone.now()
    )
    connection.health, connection.failures, connection.resting_until = Connection.Health.GOOD, 0, None
    connection.health_text = said or connection.health_text
    Connection.objects.filter(pk=connection.pk).update(
        health=Connection.Health.GOOD,
        health_text=said or "Working.",
        failures=0,
        resting_until=None,
    )


def note_trouble(connection: Connection, error: PortalError, *, trial: bool = False) -> None:
    """The whole connection fails: the light changes and nobody calls before it has rested.

    The rest is what the remote asked for, else it doubles from 5 seconds to 10 minutes. Those who fail while it
    rests were under way already: they make it no longer, a ``trial`` apart. Waiting for a turn is no failure.
    """
    rows, connection_fails = Connection.objects.filter(pk=connection.pk), not isinstance(error, MustWait)
    connection.refresh_from_db(fields=["failures"])
    until = ExpressionWrapper(Now() + rest_after(connection.failures, error), output_field=DateTimeField())
    awake = rows if trial else rows.filter(Q(resting_until=None) | Q(resting_until__lte=Now()))
    first = awake.update(failures=F("failures") + int(connection_fails), resting_until=until)
    if not first and (isinstance(error, Misconfigured) or getattr(error, "after", None) is not None):
        rows.filter(resting_until__lt=until).update(resting_until=until)
    if connection_fails:
        broken = isinstance(error, Misconfigured)
        health = Connection.Health.BROKEN if broken else Connection.Health.WAITING
        rows.exclude(health=health).update(health_since=timezone.now())
        rows.update(health=health, health_text=str(error))
    connection.refresh_from_db()


def rest_after(failures: int, error: PortalError) -> timedelta:
    """How long it makes sense to wait after ``failures`` failures in a row and this one."""
    if isinstance(error, RetryLater) and error.after is not None:
        return error.after
    if isinstance(error, Misconfigured):
        return BROKEN_REST
    doubled: timedelta = REST * 2 ** min(failures, 10)
    return min(doubled, LONGEST_REST)
