"""Dummy's jobs: one of its own, one for each connection to Dummy."""

from portal.sdk import ConnectionInfo

from portal_dummy.connector import Dummy
from portal_dummy.models import Note
from portal_dummy.notes import note


def count() -> str:
    return f"{Note.objects.count()} notes are kept."


def greet(*, connector: Dummy, connection: ConnectionInfo) -> str:
    said = connector.check()
    note(f"greeting:{connection.slug}", f"{connection}: {said}")
    return said
