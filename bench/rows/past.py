"""A long history, made within the database: orders that were delivered long ago, with all that belongs to them."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

from bench.rows.figures import learn
from portal.connections.models import Connection
from portal.sync.models import Flow

_THEN = "'2025-01-01 00:00:00+00:00'"
TABLES: dict[str, dict[str, str]] = {
    "records_order": {
        "origin_id": "{shop}",
        "external_id": "'past-' || n",
        "number": "'P' || n",
        "state": "'open'",
        "placed_at": _THEN,
        "currency": "'EUR'",
        "first_seen_at": _THEN,
        "changed_at": _THEN,
    },
    "records_orderline": {"order_id": "n", "sku": "'SKU-' || n % 1000"},
    "sync_event": {
        "connection_id": "{shop}",
        "dedupe_key": "'past-' || n",
        "external_id": "'past-' || n",
        "kind": "'order'",
        "state": "'done'",
        "received_at": _THEN,
        "processed_at": _THEN,
    },
    "sync_operation": {
        "flow_id": "{flow}",
        "connection_id": "{erp}",
        "kind": "'order'",
        "record_id": "n",
        "aggregate": "'order:' || n",
        "op_key": "'order:past:' || n",
        "state": "'done'",
        "promise": "'B'",
        "due_at": _THEN,
        "created_at": _THEN,
        "finished_at": _THEN,
    },
    "connections_reference": {
        "connection_id": "{erp}",
        "kind": "'order'",
        "external_id": "'past-' || n",
        "record_id": "n",
        "state": "'confirmed'",
        "created_at": _THEN,
    },
    "sync_fact": {"kind": "'order'", "record_id": "n", "at": _THEN, "text": "'Done.'"},
    "sync_attempt": {"operation_id": "n", "started_at": _THEN, "outcome": "'done'"},
}
_EMPTY = {
    "CharField": "''",
    "BinaryField": "''",
    "TextField": "''",
    "BooleanField": "false",
    "JSONField": "'{}'",
}


def make(size: int) -> None:
    """As if ``size`` orders had been delivered in a database that is otherwise new."""
    postgres = connection.vendor == "postgresql"
    first = 10**7  # above every key there is
    ids = {
        "shop": Connection.objects.get(slug="shop").pk,
        "erp": Connection.objects.get(slug="erp").pk,
        "flow": Flow.objects.get(source__slug="shop", target__slug="erp", kind="order").pk,
    }
    series = (
        f"SELECT n FROM generate_series({first + 1}, {first + size}) AS s(n)"
        if postgres
        else f"WITH RECURSIVE s(n) AS (SELECT {first + 1} UNION ALL SELECT n + 1 FROM s WHERE n < {first + size}) "
        "SELECT n FROM s"
    )
    with connection.cursor() as cursor:
        for table, given in TABLES.items():
            values = {"id": "n"} | {name: text.format(**ids) for name, text in given.items()}
            values |= _rest(table, values)
            names, texts = ", ".join(f'"{name}"' for name in values), ", ".join(values.values())
            cursor.execute(f"INSERT INTO {table} ({names}) SELECT {texts} FROM ({series}) AS s")
            if postgres:
                cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {first + size})")
    learn()


def _rest(table: str, named: dict[str, Any]) -> dict[str, str]:
    """Something empty for every column that has to have a value and was not named."""
    model = next(each for each in apps.get_models() if each._meta.db_table == table)
    return {
        column.column: _EMPTY.get(column.get_internal_type(), "0")
        for column in model._meta.concrete_fields
        if not column.null and column.column not in named
    }
