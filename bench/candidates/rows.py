"""A durable row for each order, by plain SQL, in SQLite or PostgreSQL: what the best script would write."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import Any

DATABASE = os.environ.get("BENCH_DATABASE", "")


class Rows:
    def __init__(self) -> None:
        self._lite = not DATABASE.startswith("postgres")
        if self._lite:
            self._db: Any = sqlite3.connect(DATABASE, timeout=20, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
        else:
            import psycopg

            self._db = psycopg.connect(DATABASE, autocommit=True)

    def make(self) -> None:
        self._db.execute(
            "CREATE TABLE orders (id TEXT PRIMARY KEY, payload TEXT NOT NULL, state TEXT NOT NULL)"
        )

    def add(self, orders: list[dict[str, Any]]) -> set[str]:
        """Store a page in one transaction; the ids of those that are new."""
        values = ", ".join(["(?, ?, 'new')"] * len(orders))
        flat = [each for order in orders for each in (order["id"], json.dumps(order))]
        return self._ids(f"INSERT INTO orders VALUES {values} ON CONFLICT DO NOTHING RETURNING id", flat)

    def done(self, ids: list[str]) -> None:
        """Store a page of receipts in one transaction."""
        marks = ", ".join("?" * len(ids))
        self._ids(f"UPDATE orders SET state = 'done' WHERE id IN ({marks}) RETURNING id", ids)

    def _ids(self, text: str, values: list[str]) -> set[str]:
        found = self._db.execute(text if self._lite else text.replace("?", "%s"), values).fetchall()
        return {row[0] for row in found}
