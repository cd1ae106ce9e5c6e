"""What differs, found by the database: a reading from what is stored, and channels from their source.

What is equal is neither fetched nor written, so that a comparison costs what has changed and a look at the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.db import connection as database

from portal.connections.models import Connection, Reference
from portal.plugins.asking import deciders
from portal.plugins.manager import lacks
from portal.records.models import StockLevel
from portal.sdk import StockLevel as StockRecord
from portal.sdk.capabilities import PullsStock
from portal.sync.effects import Place
from portal.sync.models import Flow

LEVELS, TIES = StockLevel._meta.db_table, Reference._meta.db_table

AT_ONCE = 1000
"""Places that are found at once: what one transaction then routes."""

Difference = tuple[int, int | None, int | None, int | None]
"""(position in what was read, our product, our location, our level); None for what is untied or new."""


def of_reading(connection: Connection, records: Iterable[StockRecord]) -> list[Difference]:
    """Those of ``records`` whose figure may not be the stored one, and those whose figure nobody knows.

    "May": SQLite reckons in binary fractions.
    """
    read = json.dumps([(record.product_id, record.location_id, str(record.available)) for record in records])
    rows = (
        "SELECT n - 1, v->>0, v->>1, (v->>2)::numeric "
        "FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS each_row (v, n)"
        if database.vendor == "postgresql"
        else "SELECT key, json_extract(value, '$[0]'), json_extract(value, '$[1]'), "
        "CAST(json_extract(value, '$[2]') AS NUMERIC) FROM json_each(%s)"
    )
    sql = f"""
        WITH told (n, product, location, available) AS MATERIALIZED ({rows})
        SELECT told.n, product.record_id, location.record_id, level.id
        FROM told
        LEFT JOIN {TIES} product ON product.connection_id = %s AND product.kind = 'product'
            AND product.external_id = told.product AND product.state = 'confirmed'
        LEFT JOIN {TIES} location ON location.connection_id = %s AND location.kind = 'location'
            AND location.external_id = told.location AND location.state = 'confirmed'
        LEFT JOIN {LEVELS} level ON level.connection_id = %s
            AND level.product_id = product.record_id AND level.location_id = location.record_id
        WHERE level.id IS NULL OR level.available <> told.available OR level.unknown_since IS NOT NULL
        ORDER BY told.n"""  # noqa: S608 - names of our own tables
    with database.cursor() as cursor:
        cursor.execute(sql, [read, *[connection.pk] * 3])
        found: list[Difference] = cursor.fetchall()
    return found


def of_channel(flow: Flow) -> Iterator[list[Place]]:
    """Where the flow's target shows another figure than the source's less the buffer, a thousand at a time.

    What is in flight is not reckoned with: those places are found beside what differs. Where plugins decide what is
    shown, nobody but they can say what differs, and every place is one.
    """
    blind = lacks(flow.target.connector, PullsStock)
    differs = """COALESCE(there.available, 0) <>
        CASE WHEN here.available > %s THEN here.available - %s ELSE 0 END"""
    sql = f"""
        SELECT here.product_id, here.location_id
        FROM {LEVELS} here
        {"LEFT" if blind else ""} JOIN {LEVELS} there ON there.connection_id = %s
            AND there.product_id = here.product_id AND there.location_id = here.location_id
        WHERE here.connection_id = %s AND (here.product_id, here.location_id) > (%s, %s)
            AND there.doubted_since IS NULL AND {"1 = 1" if deciders("decide_availability") else differs}
            AND {_tied("product")} AND {_tied("location")}
        ORDER BY here.product_id, here.location_id LIMIT {AT_ONCE}"""  # noqa: S608 - names of our own tables
    buffer = [] if deciders("decide_availability") else [flow.buffer] * 2
    last: Place = (0, 0)
    while True:
        with database.cursor() as cursor:
            cursor.execute(sql, [flow.target_id, flow.source_id, *last, *buffer, *[flow.target_id] * 2])
            places = cursor.fetchall()
        if places:
            yield places
        if len(places) < AT_ONCE:
            return
        last = places[-1]


def _tied(kind: str) -> str:
    return f"""EXISTS (SELECT 1 FROM {TIES} tie WHERE tie.connection_id = %s AND tie.kind = '{kind}'
        AND tie.record_id = here.{kind}_id AND tie.state = 'confirmed')"""  # noqa: S608
