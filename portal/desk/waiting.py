"""What waits for a connection that cannot be used now says so, and since when."""

from __future__ import annotations

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from portal.connections.models import Connection
from portal.desk import show
from portal.sync.health import OPEN_AFTER
from portal.sync.models import Operation

WAITING = (Operation.State.READY, Operation.State.RETRY_WAIT)
Health = Connection.Health


def trouble(connection: Connection) -> str:
    """``down since 12:03``, ``resting since 12:03`` or ``switched off``; empty when it can be used."""
    if not connection.enabled:
        return "switched off"
    if connection.health not in (Health.BROKEN, Health.WAITING):
        return ""
    down = connection.health == Health.BROKEN or connection.failures >= OPEN_AFTER
    return f"{'down' if down else 'resting'}{_since(connection)}"


def _since(connection: Connection) -> str:
    if connection.health_since is None:
        return ""
    since, today = timezone.localtime(connection.health_since), timezone.localdate()
    return f" since {since:%H:%M}" if since.date() == today else f" since {since:%d %b, %H:%M}"


def standing(operation: Operation) -> SafeString:
    """An operation's state; of one that waits for its connection, that."""
    if operation.state in WAITING and (why := trouble(operation.connection)):
        return format_html(
            '<span class="desk-pill desk-warn">waits for {}, {}</span>', operation.connection.name, why
        )
    return show.state(operation)
