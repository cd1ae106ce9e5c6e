"""What the database believes of its tables, by which it chooses its indices. PostgreSQL keeps that up to date by
itself; SQLite guesses, as for a table of ten rows, until it is told to look."""

from __future__ import annotations

from django.db import connection

from portal.sync.models import Job
from portal.sync.progress import Progress

FEWER_TELL_NOTHING = 5_000
"""Rows below which a table's figures are forgotten: it may grow by orders of magnitude before the next look."""


def work(_: Job, __: Progress) -> None:
    """The job: look again. A sample of each index is enough, so that it takes moments in a large database too."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute("ANALYZE")
            cursor.execute("DELETE FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) < %s", [FEWER_TELL_NOTHING])
            cursor.execute("ANALYZE sqlite_schema")
