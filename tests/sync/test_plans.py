"""Every statement of the engine's daily work finds its rows by an index, so that its cost does not grow with the
history. The statements are those that the engine really sends, explained with their parameters as it sends them."""

import re

import pytest
from django.db import connection as database

from portal.sync.outbox import doubt_lapsed
from portal.sync.sweep import sweep
from tests.toys import order, refund, shipment

GROWING = (
    "sync_operation",
    "sync_fact",
    "sync_attempt",
    "sync_effect",
    "sync_event",
    "sync_caseitem",
    "connections_reference",
    "records_order",
    "records_orderline",
    "records_product",
    "records_refund",
    "records_shipment",
    "records_stocklevel",
)
"""Tables with a row, or more, for each order, product or webhook."""


FEW = (
    "new_events",
    "claimable_operations",
    "open_operations",
    "open_items",
    "held_operations",
    "perhaps_sent",
)
"""Indices that hold only what is open: reading one from end to end costs what there is to do."""


class Explainer:
    """Keeps the plan of each statement that passes."""

    def __init__(self):
        self.plans = {}

    def __call__(self, execute, sql, params, many, context):
        if sql.split(" ", 1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            words = "EXPLAIN QUERY PLAN" if database.vendor == "sqlite" else "EXPLAIN"
            execute(f"{words} {sql}", params, many, context)
            alike = re.sub(r"(\(?%s\)?(, )?)+", "…", sql)
            self.plans.setdefault(alike, [row[-1] for row in context["cursor"].fetchall()])
        return execute(sql, params, many, context)

    def bad(self):
        """(step, statement) for each step that reads a growing table from end to end."""
        return [
            (step.strip(), sql)
            for sql, steps in self.plans.items()
            for step in steps
            if _reads_everything(step, sql)
        ]


def _reads_everything(step, sql):
    if database.vendor == "postgresql":
        found = re.search(r"Seq Scan on (\w+)", step)
        return bool(found) and found[1] in GROWING
    found = re.match(r"(SCAN|SEARCH) (\w+)(?: .*\((.*)\))?", step.strip())
    if not found:
        return False
    if _table(found[2], sql) not in GROWING:
        return False
    if any(f"USING INDEX {name}" in step for name in (*FEW, "operations_by_state")):
        return False  # the engine asks for open states only
    columns = [each.partition("=")[0] for each in (found[3] or "").split(" AND ")]
    return found[1] == "SCAN" or all(column in NEARLY_ALL for column in columns)


def _table(alias, sql):
    found = re.search(rf'"(\w+)" {alias}\b', sql)
    return found[1] if found else alias


NEARLY_ALL = ("connection_id", "origin_id", "flow_id", "kind", "state", "active")
"""Columns of which one value, or several of them together, select a good part of a large table."""


def pretend_a_million(cursor):
    """SQLite's own figures, as they would be in a large portal."""
    cursor.execute("ANALYZE")
    cursor.execute("DELETE FROM sqlite_stat1")
    for table in GROWING:
        cursor.execute(f"PRAGMA index_list({table})")
        for name in [row[1] for row in cursor.fetchall()]:
            cursor.execute(f"PRAGMA index_info('{name}')")
            left = 100 if name in FEW else 1_000_000
            figures = [left]
            for column in [row[2] for row in cursor.fetchall()]:
                left = left // 3 if column in NEARLY_ALL else min(left, 5)
                figures.append(left)
            cursor.execute(
                "INSERT INTO sqlite_stat1 VALUES (%s, %s, %s)", [table, name, " ".join(map(str, figures))]
            )
    cursor.execute("ANALYZE sqlite_schema")


@pytest.fixture
def plans(house):
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        else:
            pretend_a_million(cursor)
    explainer = Explainer()
    with database.execute_wrapper(explainer):
        yield explainer


def test_reading_delivering_and_sweeping_find_their_rows_by_an_index(house, plans):
    house.told(*map(order, range(3)))
    house.told(order(1, 2), order(1, 1))
    house.work(house.erp, "deliver")
    house.apply(house.shop, "refund", refund(1, 1), refund(2, 99))
    house.apply(house.erp, "shipment", shipment(1))
    house.work(house.erp, "deliver")
    house.work(house.shop, "deliver")
    sweep()
    doubt_lapsed()
    assert len(plans.plans) > 30
    assert not plans.bad()
