"""Connections that a thread keeps open from one webhook to the next, for as long as nothing about them has changed.

To read a connection, decrypt it and open its connector costs ten times what is then done with it. Nobody has to
remember to tell of a change: who uses what was kept asks the database whether it is still so, in the very statement
that it is used for.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from django.db import connection as database
from django.db.models import TextField
from django.db.models.expressions import RawSQL

from portal.connections.models import Connection
from portal.connections.services import open_connector
from portal.plugins.manager import plugins
from portal.sdk import Connector

_AS_READ = (
    "slug || ' ' || connector || ' ' || credentials || ' ' || webhook_secrets || ' ' || CAST(settings AS text)"
    " || ' ' || COALESCE(CAST(calls_per_second AS text), '')"
)

# Encrypted anew whenever a plugin's own settings are saved, so that no two savings look alike.
_PLUGINS_OWN = "COALESCE((SELECT secrets FROM connections_pluginsettings WHERE plugin = %s), '')"

UNCHANGED = (
    f"EXISTS (SELECT 1 FROM connections_connection WHERE id = %s AND enabled AND {_AS_READ} = %s)"  # noqa: S608
    " AND NOT EXISTS (SELECT 1 FROM portal_plugins_plugin WHERE name = %s AND NOT enabled)"
    " AND NOT EXISTS (SELECT 1 FROM connections_pluginpause WHERE connection_id = %s AND plugin = %s)"
    f" AND {_PLUGINS_OWN} = %s"
)
"""The condition, in SQL, that a kept connection is what it was when it was opened. Its values are ``Kept.proof``."""


class UnknownConnection(LookupError):
    """No connection has that slug, or it is switched off."""


@dataclass(frozen=True)
class Kept:
    """An open connection. ``proof`` are the values for ``UNCHANGED``."""

    connection: Connection
    connector: Connector
    plugin: str
    proof: tuple[int | str, ...]

    def holds(self) -> bool:
        """Whether it is still what it was. One query."""
        with database.cursor() as cursor:
            cursor.execute(f"SELECT {UNCHANGED}", self.proof)
            (unchanged,) = cursor.fetchone()
        return bool(unchanged)

    def drop(self) -> None:
        """Close it; the next use reads it anew."""
        del _mine.by_slug[self.connection.slug]
        self.connector.close()


class _Mine(threading.local):
    """A connector is used by one thread at a time."""

    def __init__(self) -> None:
        self.by_slug: dict[str, Kept] = {}


_mine = _Mine()


def kept(slug: str) -> Kept:
    """The connection as this thread has kept it, else read and opened now.

    Raises ``UnknownConnection``, and ``Misconfigured`` as ``open_connector`` does."""
    return _mine.by_slug.get(slug) or _mine.by_slug.setdefault(slug, _open(slug))


def _open(slug: str) -> Kept:
    as_read = RawSQL(_AS_READ, [], output_field=TextField())  # noqa: S611 - no words of others in it
    connection = Connection.objects.filter(slug=slug, enabled=True).annotate(as_read=as_read).first()
    if connection is None:
        raise UnknownConnection(f"No connection has the address {slug}, or it is switched off.")
    plugin = plugins().owner_of(connection.connector)
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {_PLUGINS_OWN}", [plugin])
        (own,) = cursor.fetchone()
    proof = (connection.pk, connection.as_read, plugin, connection.pk, plugin, plugin, own)
    return Kept(connection, open_connector(connection), plugin, proof)
