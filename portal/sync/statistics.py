"""What the database believes of its tables, by which it chooses its indices. PostgreSQL keeps that up to date by
itself; SQLite guesses, as for a table of ten rows, until it is told to look."""

from __future__ import annotations

from django.db import connection

from portal.sync.models import Job
from portal.sync.progress import Progress

FEWER_TELL_NOTHING = 5_000
"""Rows below which a table's figures are forgotten: it may grow by orders of magnitude before the next look."""

FEW = 10
"""Rows that an index of what is open is believed to hold, and a state to have. SQLite keeps one figure for all states:
of a million operations that are done it would learn that a state selects a million, and read every one of them to
find the few that are open. Nobody looks for the done ones by their state alone."""

# ruff: noqa: S608 - numbers and statements of our own

_PARTS = """
SELECT known.tbl, list.name AS part
FROM (SELECT DISTINCT tbl FROM sqlite_stat1) AS known, pragma_index_list(known.tbl) AS list
WHERE list.partial
"""
_FORGET_SMALL_TABLES = f"""
DELETE FROM sqlite_stat1
WHERE tbl NOT IN (SELECT tbl FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) >= {FEWER_TELL_NOTHING})
"""
_FORGET_SMALL_PARTS = f"""
DELETE FROM sqlite_stat1
WHERE CAST(stat AS INTEGER) < {FEWER_TELL_NOTHING} AND (tbl, idx) IN ({_PARTS})
"""
_ASSUME_FEW_IN_PARTS = f"""
INSERT INTO sqlite_stat1
SELECT tbl, part, {FEW} || (SELECT group_concat(' 5', '') FROM pragma_index_info(part))
FROM ({_PARTS}) WHERE (tbl, part) NOT IN (SELECT tbl, idx FROM sqlite_stat1 WHERE idx IS NOT NULL)
"""
_ASSUME_FEW_IN_A_STATE = f"""
UPDATE sqlite_stat1 SET stat = CAST(stat AS INTEGER) || ' {FEW} 1' WHERE idx = 'operations_by_state'
"""


def work(_: Job, __: Progress) -> None:
    """The job: look again. A sample of each index is enough, so that it takes moments in a large database too."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA analysis_limit = 1000")
            cursor.execute("ANALYZE")
            for statement in (
                _FORGET_SMALL_TABLES,
                _FORGET_SMALL_PARTS,
                _ASSUME_FEW_IN_PARTS,
                _ASSUME_FEW_IN_A_STATE,
            ):
                cursor.execute(statement)
            cursor.execute("ANALYZE sqlite_schema")
