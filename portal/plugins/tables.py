"""The tables of a plugin's Django app: found, exported and dropped, also when the app itself cannot be loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.management import call_command
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder


def is_loaded(label: str) -> bool:
    """Whether Django knows the app's models, so that it can unapply its migrations."""
    return label in apps.app_configs


def tables(label: str) -> list[str]:
    """The tables of that app in the database, by the names that Django gives them.

    Of an app that is not loaded those are found whose names begin with its label and that are nobody else's.
    """
    present = set(connection.introspection.table_names())
    if is_loaded(label):
        models = apps.get_app_config(label).get_models(include_auto_created=True)
        return sorted(present & {model._meta.db_table for model in models})
    others = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    return sorted(name for name in present - others if name.startswith(f"{label}_"))


def migrations(label: str) -> list[str]:
    """The names of its applied migrations, the first one first."""
    applied = MigrationRecorder.Migration.objects.filter(app=label).order_by("pk")
    return list(applied.values_list("name", flat=True))


def count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
        number: int = cursor.fetchone()[0]
    return number


def export(label: str) -> Iterator[str]:
    """Every row of the app as a line of JSON: as Django's `jsonl` where the app is loaded, and `loaddata` reads it
    again; else by the table's name with its columns as they are stored."""
    if is_loaded(label):
        for model in apps.get_app_config(label).get_models():
            yield from serializers.serialize(
                "jsonl", model._meta.base_manager.order_by("pk").iterator()
            ).splitlines()
        return
    for table in tables(label):
        yield from map(_line, _rows(table))


def drop(label: str) -> None:
    """Unapply the app's migrations where it is loaded; else drop its tables and forget its migrations.

    What Django kept about its models (content types, and with them their permissions) goes, too.
    """
    if is_loaded(label):
        call_command("migrate", label, "zero", verbosity=0, interactive=False)
    else:
        _drop_by_name(tables(label))
        MigrationRecorder.Migration.objects.filter(app=label).delete()
    ContentType.objects.filter(app_label=label).delete()


def _drop_by_name(names: list[str]) -> None:
    # SQLite has no CASCADE, and looks at what refers to a table only when the transaction ends.
    cascade = "" if connection.vendor == "sqlite" else " CASCADE"
    with connection.constraint_checks_disabled(), transaction.atomic(), connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}{cascade}")


def _rows(table: str) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a table's own name
        columns = [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(500):
            yield from ({"table": table, "row": dict(zip(columns, row, strict=True))} for row in rows)


def _line(row: dict[str, Any]) -> str:
    return json.dumps(row, cls=_Encoder, ensure_ascii=False)


class _Encoder(DjangoJSONEncoder):
    """Also of what a driver gives for columns of which nobody knows the meaning any more."""

    def default(self, o: Any) -> Any:
        if isinstance(o, bytes | memoryview):
            return bytes(o).hex()
        try:
            return super().default(o)
        except TypeError:
            return str(o)
