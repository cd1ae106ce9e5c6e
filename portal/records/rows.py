"""Writing many rows in one statement, for the tables that grow with every order.

What Django's ``bulk_create`` and ``bulk_update`` do, at a fraction of their cost: those look at every value
for an expression that it might be; here are values only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db import connection, models

Column = Any
"""One of Django's model fields."""

AS_THEY_ARE = (
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.BigIntegerField,
    models.PositiveIntegerField,
    models.PositiveBigIntegerField,
    models.ForeignKey,
)
"""Columns of texts and whole numbers: the database takes their values, or nothing, as they are. A class made from
one of these may mean something else, so it is not among them."""

as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def insert(rows: Iterable[models.Model], *, ignore_conflicts: bool = False) -> None:
    """Insert rows of one model. Their primary keys are set, unless conflicts are ignored."""
    rows = list(rows)
    if not rows:
        return
    columns = [column for column in rows[0]._meta.concrete_fields if not column.primary_key]
    table, key = _name(rows[0]._meta.db_table), rows[0]._meta.pk
    assert key is not None, "every model has a key"
    end = "ON CONFLICT DO NOTHING" if ignore_conflicts else f"RETURNING {_names([key])}"
    with connection.cursor() as cursor:
        for part in _parts(rows, columns):
            values, params = _values(columns, part)
            cursor.execute(f"INSERT INTO {table} ({_names(columns)}) {values} {end}", params)
            if not ignore_conflicts:
                for row, (given,) in zip(part, cursor.fetchall(), strict=True):
                    row.pk, row._state.adding = given, False  # noqa: SLF001 - documented for rows loaded by hand


def update(rows: Sequence[models.Model], fields: Iterable[str]) -> None:
    """Store these fields of rows that exist, by their primary keys."""
    if not rows:
        return
    columns: list[Column] = [rows[0]._meta.pk, *map(rows[0]._meta.get_field, fields)]
    table, key = _name(rows[0]._meta.db_table), _names(columns[:1])
    sets = ", ".join(f"{_name(column.column)} = new.{_name(column.column)}" for column in columns[1:])
    with connection.cursor() as cursor:
        for part in _parts(rows, columns):
            values, params = _values(columns, part)
            cursor.execute(
                f"WITH new ({_names(columns)}) AS ({values}) "  # noqa: S608 - names of our own models
                f"UPDATE {table} SET {sets} FROM new WHERE {table}.{key} = new.{key}",
                params,
            )


def _name(word: str) -> str:
    return connection.ops.quote_name(word)


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(_name(column.column) for column in columns)


def _parts(rows: Sequence[Any], columns: Sequence[Column]) -> Iterable[Sequence[Any]]:
    """As many rows as one statement takes."""
    most = (connection.features.max_query_params or 100_000) // len(columns)
    return (rows[start : start + most] for start in range(0, len(rows), most))


def _values(columns: Sequence[Column], rows: Sequence[Any]) -> tuple[str, list[Any]]:
    """The rows as a table within a statement. PostgreSQL takes a list a column, which it need not plan."""
    getters = [_getter(column) for column in columns]
    if connection.vendor == "postgresql":
        lists = ", ".join(f"%s::{column.rel_db_type(connection).partition('(')[0]}[]" for column in columns)
        return f"SELECT * FROM unnest({lists})", [  # noqa: S608
            [get(row) for row in rows] for get in getters
        ]
    marks = f"({', '.join(['%s'] * len(columns))})"
    return f"VALUES {', '.join([marks] * len(rows))}", [get(row) for row in rows for get in getters]


def _getter(column: Column) -> Callable[[Any], Any]:
    """What the database is given of a row for this column."""
    name = column.attname
    if type(column) is models.JSONField:
        return lambda row: as_json(getattr(row, name))
    if getattr(column, "auto_now_add", False):
        return lambda row: column.get_db_prep_save(column.pre_save(row, True), connection)
    if type(column) in AS_THEY_ARE:
        return lambda row: getattr(row, name)
    return lambda row: column.get_db_prep_save(getattr(row, name), connection)
