"""Writing many rows at once, for the tables that grow with every order.

What Django's ``bulk_create`` and ``bulk_update`` do, at a fraction of their cost: those look at every value
for an expression that it might be; here are values only. They go to the database column by column, and each
value that occurs more than once is prepared once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from portal.records.plain import as_json

Column = Any
"""One of Django's model fields."""

AS_THEY_ARE = (
    models.AutoField,
    models.BigAutoField,
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


def _as_moment(value: Any) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


OBJECT_BY_OBJECT: Mapping[type[Column], Callable[[Any], Any]] = {
    models.JSONField: as_json,
    models.DateTimeField: _as_moment,  # in the hour that comes twice, two may be equal that are an hour apart
}
"""Columns of values that are no good as keys, and what the database is given for them."""


def insert(rows: Iterable[models.Model]) -> None:
    """Insert rows of one model, and set their primary keys."""
    rows = list(rows)
    if not rows:
        return
    model, moment = type(rows[0]), timezone.now()
    columns = columns_of(model)
    for column in columns:
        if getattr(column, "auto_now_add", False):
            for row in rows:
                setattr(row, column.attname, moment)
    values = [[vars(row)[column.attname] for row in rows] for column in columns]
    with transaction.atomic(savepoint=False):
        keys = _next_keys(model, len(rows))
        _insert(model, [model._meta.pk, *columns], [keys, *values])
    for row, key in zip(rows, keys, strict=True):
        row.pk, row._state.adding = key, False  # noqa: SLF001 - documented for rows loaded by hand


def columns_of(model: type[models.Model]) -> list[Column]:
    """All columns but the key, in their order."""
    return [column for column in model._meta.concrete_fields if not column.primary_key]


def values_of(row: models.Model) -> list[Any]:
    """What the database is given for a new row, in the order of ``columns_of``."""
    columns = columns_of(type(row))
    given = [[column.pre_save(row, True)] for column in columns]
    return [value for (value,) in _prepared(columns, given)]


def append(
    model: type[models.Model], lines: Iterable[Mapping[str, Any]], *, ignore_conflicts: bool = False
) -> None:
    """Insert rows that nobody needs any more, without making an object of each.

    ``lines`` are their values by the columns' names (``order_id``, not ``order``), every line with the same ones;
    the other columns take their defaults.
    """
    lines = list(lines)
    if not lines:
        return
    moment, columns, values = timezone.now(), [], []
    for column in model._meta.concrete_fields:
        if column.attname in lines[0]:
            values.append([line[column.attname] for line in lines])
        elif getattr(column, "auto_now_add", False):
            values.append([moment] * len(lines))
        elif not column.primary_key:
            values.append([column.get_default()] * len(lines))
        else:
            continue
        columns.append(column)
    _insert(model, columns, values, "ON CONFLICT DO NOTHING" if ignore_conflicts else "")


def update(rows: Sequence[models.Model], fields: Iterable[str]) -> None:
    """Store these fields of rows that exist, by their primary keys."""
    if not rows:
        return
    columns: list[Column] = [rows[0]._meta.pk, *map(rows[0]._meta.get_field, fields)]
    table, key = _name(rows[0]._meta.db_table), _names(columns[:1])
    sets = ", ".join(f"{_name(column.column)} = new.{_name(column.column)}" for column in columns[1:])
    for part in _parts(rows, columns):
        given = [[getattr(row, column.attname) for row in part] for column in columns]
        told, params = _table(columns, _prepared(columns, given))
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH new ({_names(columns)}) AS ({told}) "  # noqa: S608 - names of our own models
                f"UPDATE {table} SET {sets} FROM new WHERE {table}.{key} = new.{key}",
                params,
            )


def _next_keys(model: type[models.Model], count: int) -> Sequence[int]:
    """Primary keys that nobody else will be given. In SQLite that holds until the transaction ends: it alone writes."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sequence = [_name(model._meta.db_table), _pk(model).column]
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)",
                [*sequence, count],
            )
            return [key for (key,) in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [model._meta.db_table])
        (last,) = cursor.fetchone() or (0,)
        return range(last + 1, last + count + 1)


def _insert(
    model: type[models.Model], columns: Sequence[Column], values: Sequence[Sequence[Any]], end: str = ""
) -> None:
    """The quickest way of each database: COPY, which knows no conflicts; or one prepared statement for each row, which
    are kept together by the transaction."""
    target, values = f"{_name(model._meta.db_table)} ({_names(columns)})", _prepared(columns, values)
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            marks = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {target} VALUES ({marks}) {end}"  # noqa: S608 - names of our own models
            cursor.executemany(statement, list(zip(*values, strict=True)))
        elif end:
            told, params = _table(columns, values)
            cursor.execute(f"INSERT INTO {target} {told} {end}", params)
        else:
            with connection.wrap_database_errors, cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for row in zip(*values, strict=True):
                    copy.write_row(row)


def _pk(model: type[models.Model]) -> Column:
    return model._meta.pk


def _name(word: str) -> str:
    return connection.ops.quote_name(word)


def _names(columns: Iterable[Column]) -> str:
    return ", ".join(_name(column.column) for column in columns)


def _parts(rows: Sequence[Any], columns: Sequence[Column]) -> Iterable[Sequence[Any]]:
    """As many rows as one statement takes."""
    most = (connection.features.max_query_params or 100_000) // len(columns)
    return (rows[start : start + most] for start in range(0, len(rows), most))


def _table(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """The rows as a table within a statement. PostgreSQL takes an array a column, which it need not plan."""
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{column.rel_db_type(connection).partition('(')[0]}[]" for column in columns)
        return f"SELECT * FROM unnest({arrays})", list(map(_array, values))  # noqa: S608
    marks = f"({', '.join(['%s'] * len(columns))})"
    rows = list(zip(*values, strict=True))
    return f"VALUES {', '.join([marks] * len(rows))}", [value for row in rows for value in row]


def _array(values: Iterable[Any]) -> str:
    """PostgreSQL's text of an array; its driver needs ten times as long for texts with many quotes."""
    return f"{{{','.join(map(_element, values))}}}"


def _element(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _prepared(columns: Iterable[Column], values: Iterable[Sequence[Any]]) -> list[Sequence[Any]]:
    """What the database is given for these values, a list for each column."""
    return [_of_column(column, given) for column, given in zip(columns, values, strict=True)]


def _of_column(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    if type(column) in AS_THEY_ARE:
        return values
    if prepare := OBJECT_BY_OBJECT.get(type(column)):
        prepared = {key: prepare(value) for key, value in {id(value): value for value in values}.items()}
        return [prepared[id(value)] for value in values]
    known = {value: column.get_db_prep_save(value, connection) for value in set(values)}
    return [known[value] for value in values]
