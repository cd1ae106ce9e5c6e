"""What the shop remembers: documents with revisions, effects, and notices waiting to be delivered.

One SQLite file (or memory), one connection behind one lock: changes are serial, so a document's place in
the (updated_at, id) order is never taken behind the back of a reader.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Json = dict[str, Any]

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    kind TEXT, id TEXT, key TEXT, revision INTEGER, updated_us INTEGER, body TEXT,
    PRIMARY KEY (kind, id), UNIQUE (kind, key)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS document_order ON document (kind, updated_us, id);
CREATE TABLE IF NOT EXISTS effect (seq INTEGER PRIMARY KEY, at_us INTEGER, kind TEXT, key TEXT, detail TEXT);
CREATE TABLE IF NOT EXISTS notice (seq INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
"""


def written(us: int) -> str:
    """Microseconds since 1970 as the API writes them; a whole second has no fraction."""
    return (
        datetime.fromtimestamp(us // 1_000_000, UTC)
        .replace(microsecond=us % 1_000_000, tzinfo=None)
        .isoformat()
        + "Z"
    )


def microseconds(stamp: str) -> int:
    """The reverse of `written`; takes any offset. ValueError when it is no time with a zone."""
    moment = datetime.fromisoformat(stamp)
    if moment.tzinfo is None:
        raise ValueError(f"{stamp!r} has no time zone; write it like 2026-01-31T10:00:00Z.")
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


Span = tuple[int, int]
"""Microseconds from which on, and before which, something was created."""


def _inclusive(span: Span) -> Span:
    return span[0], span[1] - 1


def _created_us(body: str) -> int:
    return microseconds(json.loads(body)["created_at"])


@dataclass(frozen=True)
class Position:
    """A place in a listing: everything after (updated_us, id)."""

    updated_us: int
    id: str


class Store:
    """Documents by kind and id. `precision` is what updated_at is cut to: "seconds" or "micros"."""

    def __init__(self, path: Path | None = None, precision: str = "micros") -> None:
        self._step = {"seconds": 1_000_000, "micros": 1}[precision]
        self._lock = threading.RLock()
        self._depth = 0
        self.changed = threading.Event()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        if path:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(SCHEMA)
        self._db.create_function("created_us", 1, _created_us, deterministic=True)
        self._last_us: int = self._db.execute("SELECT coalesce(max(updated_us), 0) FROM document").fetchone()[
            0
        ]

    def close(self) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; may be nested, the outermost one commits."""
        with self._lock:
            if not self._depth:
                self._db.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if not self._depth:
                    self._db.execute("ROLLBACK")
                raise
            self._depth -= 1
            if not self._depth:
                self._db.execute("COMMIT")
                self.changed.set()

    def now_us(self) -> int:
        """The shop's clock: never goes back, even when the machine's does."""
        now = time.time_ns() // 1000
        self._last_us = max(self._last_us, now - now % self._step)
        return self._last_us

    def save(self, kind: str, document: Json, *, key: str | None = None, topic: str | None = None) -> Json:
        """Write a document (it has an `id`), raise its revision, and note a webhook when a topic is given."""
        with self.transaction():
            now = self.now_us()
            row = self._db.execute(
                "SELECT revision, key FROM document WHERE kind = ? AND id = ?", (kind, document["id"])
            ).fetchone()
            revision = row[0] + 1 if row else 1
            document |= {"revision": revision, "updated_at": written(now)}
            body = json.dumps(document, ensure_ascii=False)
            self._db.execute(
                "INSERT INTO document VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET"
                " key = excluded.key, revision = excluded.revision, updated_us = excluded.updated_us, body = excluded.body",
                (kind, document["id"], key or (row[1] if row else None), revision, now, body),
            )
            if topic:
                self._db.execute("INSERT INTO notice (topic, body) VALUES (?, ?)", (topic, body))
        return document

    def delete(self, kind: str, doc_id: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, doc_id))

    def get(self, kind: str, doc_id: str) -> Json | None:
        return self._one("SELECT body FROM document WHERE kind = ? AND id = ?", kind, doc_id)

    def by_key(self, kind: str, key: str) -> Json | None:
        return self._one("SELECT body FROM document WHERE kind = ? AND key = ?", kind, key)

    def many(self, kind: str, ids: list[str]) -> list[Json]:
        """The documents that exist among these ids, in the order asked for, each once."""
        found = (self.get(kind, doc_id) for doc_id in dict.fromkeys(ids))
        return [document for document in found if document is not None]

    def all(self, kind: str) -> list[Json]:
        return self._read("SELECT body FROM document WHERE kind = ? ORDER BY updated_us, id", kind)

    def page(
        self, kind: str, since_us: int, after: Position | None, size: int, span: Span | None = None
    ) -> list[Json]:
        """Documents changed at or after `since_us` and behind `after`, by (updated_at, id); of a span if given."""
        start = after or Position(since_us, "")
        return self._read(
            "SELECT body FROM document WHERE kind = ? AND (updated_us, id) > (?, ?)"
            " AND (? OR created_us(body) BETWEEN ? AND ?) ORDER BY updated_us, id LIMIT ?",
            kind, start.updated_us, start.id, span is None, *_inclusive(span or (0, 0)), size,
        )  # fmt: skip

    def count(self, kind: str, span: Span) -> int:
        """How many documents of that kind were created in the span."""
        with self._lock:
            query = "SELECT count(*) FROM document WHERE kind = ? AND created_us(body) BETWEEN ? AND ?"
            number: int = self._db.execute(query, (kind, *_inclusive(span))).fetchone()[0]
        return number

    def next_number(self, name: str, start: int = 1) -> int:
        with self.transaction():
            number: int = self.meta(name, start)
            self.set_meta(name, number + 1)
        return number

    def meta(self, name: str, default: Any = None) -> Any:
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else default

    def set_meta(self, name: str, value: Any) -> None:
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, json.dumps(value)))

    def effect(self, kind: str, key: str, **detail: Any) -> None:
        """Note something an API client really changed; nothing ever removes it."""
        with self.transaction():
            self._db.execute(
                "INSERT INTO effect (at_us, kind, key, detail) VALUES (?, ?, ?, ?)",
                (time.time_ns() // 1000, kind, key, json.dumps(detail)),
            )

    def effects(self, after: int = 0) -> list[Json]:
        with self._lock:
            rows = self._db.execute("SELECT * FROM effect WHERE seq > ? ORDER BY seq", (after,)).fetchall()
        return [
            {"seq": seq, "at": written(at), "kind": kind, "key": key, "detail": json.loads(detail)}
            for seq, at, kind, key, detail in rows
        ]

    def notices(self, after: int) -> list[tuple[int, str, Json]]:
        """Changes that somebody may still have to be told of, oldest first: (sequence, topic, document)."""
        with self._lock:
            rows = self._db.execute("SELECT * FROM notice WHERE seq > ? ORDER BY seq", (after,)).fetchall()
        return [(seq, topic, json.loads(body)) for seq, topic, body in rows]

    def drop_notice(self, seq: int) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM notice WHERE seq = ?", (seq,))

    def _one(self, query: str, *values: Any) -> Json | None:
        found = self._read(query, *values)
        return found[0] if found else None

    def _read(self, query: str, *values: Any) -> list[Json]:
        with self._lock:
            return [json.loads(row[0]) for row in self._db.execute(query, values).fetchall()]
