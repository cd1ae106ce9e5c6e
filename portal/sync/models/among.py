"""``state__among=…``: the lookup ``in``, with its values written into the statement.

SQLite uses an index with a condition only where it reads that very condition in the statement; what comes as
a parameter it cannot know. So a query that is to use such an index names the index's own list, in its order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup
from django.db.models.sql.compiler import SQLCompiler


@CharField.register_lookup
class Among(Lookup):
    """For words of our own only: they are quoted, not escaped."""

    lookup_name = "among"
    prepare_rhs = False
    rhs: Iterable[str]

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        column, params = self.process_lhs(compiler, connection)
        words = ", ".join(f"'{word}'" for word in self.rhs)
        return f"{column} IN ({words})", tuple(params)
