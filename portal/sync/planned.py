"""One statement that PostgreSQL plans once for each of our connections to it: for what every webhook costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db import connection as database


def ask(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """The rows that the statement returns. It has to bear being repeated, where it is not part of a transaction.

    A connection that broke since it was last used is found out by this statement itself, and opened anew: Django would
    send another one before it, to ask whether the connection works.
    """
    try:
        return _ask(sql, values)
    except (OperationalError, InterfaceError):
        if database.connection is None or database.in_atomic_block or database.is_usable():
            raise
        database.close()
        return _ask(sql, values)


def _ask(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """To the end of the answer, where SQLite commits."""
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            cursor.execute(sql, values)
            rows: list[tuple[Any, ...]] = cursor.fetchall()
            return rows
    from psycopg import Cursor

    database.ensure_connection()
    with database.wrap_database_errors, Cursor(database.connection) as cursor:
        return cursor.execute(sql, values, prepare=True).fetchall()
