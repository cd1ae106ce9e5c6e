"""What differs, found by the database: a reading from what is stored, and channels from their source.

What is equal is neither fetched nor written, so that a comparison costs what has changed and a look at the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from django.db import connection as database
from django.db.models import Max

from portal.connections.models import Connection, Reference
from portal.connections.selectors import records_of
from portal.plugins.asking import deciders
from portal.plugins.manager import lacks
from portal.records.models import StockLevel
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.effects import Place
from portal.sync.models import Flow

LEVELS, TIES = StockLevel._meta.db_table, Reference._meta.db_table

AT_ONCE = 1000
"""Places that are told at once: what one transaction then routes."""

SPAN = 10_000
"""Levels of a source that one statement compares. It reads no others, whatever the database believes of its tables."""

Difference = tuple[int, int | None, int | None, int | None]
"""(position in what was read, our product, our location, our level); None for what is untied or new."""


def of_reading(connection: Connection, records: Sequence[StockRecord]) -> list[Difference]:
    """Those of ``records`` whose figure may not be the stored one, and those whose figure nobody knows.

    "May": SQLite reckons in binary fractions.
    """
    locations = records_of(connection, "location", {record.location_id for record in records})
    read = json.dumps(
        [(record.product_id, locations.get(record.location_id), str(record.available)) for record in records]
    )
    rows = (
        "SELECT n - 1, v->>0, (v->>1)::bigint, (v->>2)::numeric "
        "FROM jsonb_array_elements(%(read)s::jsonb) WITH ORDINALITY AS each_row (v, n)"
        if database.vendor == "postgresql"
        else "SELECT key, json_extract(value, '$[0]'), json_extract(value, '$[1]'), "
        "CAST(json_extract(value, '$[2]') AS NUMERIC) FROM json_each(%(read)s)"
    )
    sql = f"""
        WITH read (n, external_id, location_id, available) AS ({rows}),
        told (n, product_id, location_id, available) AS MATERIALIZED (
            SELECT n, (
                SELECT CASE state WHEN 'confirmed' THEN record_id END FROM {TIES}
                WHERE connection_id = %(here)s AND kind = 'product' AND external_id = read.external_id
            ), location_id, available FROM read
        )
        SELECT n, product_id, location_id, {_level("id", "here", "told")} FROM told
        WHERE {_level("available = told.available AND unknown_since IS NULL", "here", "told")} IS NOT TRUE
        ORDER BY n"""  # noqa: S608 - names of our own tables
    with database.cursor() as cursor:
        cursor.execute(sql, {"read": read, "here": connection.pk})
        found: list[Difference] = cursor.fetchall()
    return found


def of_channel(flow: Flow) -> Iterator[list[Place]]:
    """Where the flow's target shows another figure than the source's less the buffer, a thousand at a time at most.

    What is in flight is not reckoned with: those places are found beside what differs. What is doubted is left out
    until it was read. Where plugins decide what is shown, nobody but they can say what differs, and every other place
    is one.
    """
    ought = "CASE WHEN here.available > %(buffer)s THEN here.available - %(buffer)s ELSE 0 END"
    anyway = deciders("decide_availability")

    def differs(shown: str) -> str:
        return "1 = 1" if anyway else f"{shown} <> {ought}"

    wrong = _level(f"doubted_since IS NULL AND {differs('available')}", "target", "here")
    if lacks(flow.target.connector, PullsStock):
        wrong = f"COALESCE({wrong}, {differs('0')})"
    sql = f"""
        SELECT product_id, location_id FROM {LEVELS} here
        WHERE connection_id = %(source)s AND product_id > %(after)s AND product_id <= %(last)s
            AND CASE WHEN {wrong} THEN {_tied("product")} AND {_tied("location")} END
        ORDER BY product_id, location_id"""  # noqa: S608 - names of our own tables
    of_flow = {"source": flow.source_id, "target": flow.target_id, "buffer": flow.buffer}
    found: list[Place] = []
    for after, last in _spans(flow.source):
        with database.cursor() as cursor:
            cursor.execute(sql, of_flow | {"after": after, "last": last})
            found += cursor.fetchall()
        while len(found) >= AT_ONCE:
            yield found[:AT_ONCE]
            del found[:AT_ONCE]
    if found:
        yield found


def _spans(source: Connection) -> Iterator[tuple[int, int]]:
    """The source's products in parts of some ten thousand levels: the one before the first, and the last."""
    levels, after = StockLevel.objects.filter(connection=source).order_by("product_id"), 0
    while last := levels.filter(product__gt=after)[:SPAN].aggregate(last=Max("product_id"))["last"]:
        yield after, last
        after = last


def _level(columns: str, connection: str, place: str) -> str:
    """Of the level that this parameter's connection has at a row's place. Looked up for each row by its whole key: a
    join that is planned while the tables are thought to be empty compares each row with all levels."""
    return f"""(SELECT {columns} FROM {LEVELS} WHERE connection_id = %({connection})s
        AND product_id = {place}.product_id AND location_id = {place}.location_id)"""  # noqa: S608 - names of our own


def _tied(kind: str) -> str:
    return f"""(SELECT record_id FROM {TIES} WHERE connection_id = %(target)s AND kind = '{kind}'
        AND record_id = here.{kind}_id AND state = 'confirmed') IS NOT NULL"""  # noqa: S608 - names of our own tables
