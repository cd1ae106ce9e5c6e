"""``pk__one_of=…``: the lookup ``in`` for many values, which go to the database as one.

Django looks at every value of a list, for an expression that it might be, and writes a mark for each: for the ids
of a few hundred records that costs more than the query. Values become texts or whole numbers, as the column is.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, ForeignKey, Lookup
from django.db.models.sql.compiler import SQLCompiler


@ForeignKey.register_lookup
@Field.register_lookup
class OneOf(Lookup):
    """PostgreSQL takes an array, SQLite the text of one. Nothing is asked for none."""

    lookup_name = "one_of"
    prepare_rhs = False
    rhs: Collection[int] | Collection[str]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        values = [self.lhs.output_field.get_prep_value(value) for value in self.rhs]
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s)", (*params, values)
        told = json.dumps(values)
        return f"{column} IN (SELECT value FROM json_each(%s))", (*params, told)  # noqa: S608 - a name of ours
