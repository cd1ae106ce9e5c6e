"""The plan of each statement that passes, and which of them read a large table from end to end.

The tests ask it of small tables, whose size is pretended (`tests/sync/test_plans.py`); `bench.rows.history` of a million
rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

from django.db import connection as database

FEW = (
    "new_events",
    "claimable_operations",
    "open_operations",
    "open_items",
    "held_operations",
    "perhaps_sent",
    "untied_references",
)
"""Indices that hold only what is open: reading one from end to end costs what there is to do."""

NEARLY_ALL = ("connection_id", "origin_id", "flow_id", "kind", "state", "active")
"""Columns of which one value, or several of them together, select a good part of a large table."""


class Explainer:
    """A wrapper for ``execute_wrapper``. ``large`` are the tables that must not be read from end to end."""

    def __init__(self, large: Collection[str]) -> None:
        self.large = large
        self.plans: dict[str, list[str]] = {}

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if sql.split(None, 1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            words = "EXPLAIN QUERY PLAN" if database.vendor == "sqlite" else "EXPLAIN"
            execute(f"{words} {sql}", params, many, context)
            alike = re.sub(r"(\(?%s\)?(, )?)+", "…", sql)
            self.plans.setdefault(alike, [row[-1] for row in context["cursor"].fetchall()])
        return execute(sql, params, many, context)

    def bad(self) -> list[tuple[str, str]]:
        """(step, statement) for each step that reads a large table from end to end."""
        return [
            (step.strip(), sql)
            for sql, steps in self.plans.items()
            for step in steps
            if self._reads_everything(step, sql)
        ]

    def _reads_everything(self, step: str, sql: str) -> bool:
        if database.vendor == "postgresql":
            scanned = re.search(r"Seq Scan on (\w+)", step)
            return bool(scanned) and scanned[1] in self.large
        found = re.match(r"(SCAN|SEARCH) (\w+)(?: .*\((.*)\))?", step.strip())
        if not found or _table(found[2], sql) not in self.large:
            return False
        if any(f"USING INDEX {name}" in step for name in (*FEW, "operations_by_state")):
            return False  # the engine asks for open states only
        columns = [each.partition("=")[0] for each in (found[3] or "").split(" AND ")]
        return found[1] == "SCAN" or all(column in NEARLY_ALL for column in columns)


def _table(alias: str, sql: str) -> str:
    found = re.search(rf'"(\w+)" {alias}\b', sql)
    return found[1] if found else alias
