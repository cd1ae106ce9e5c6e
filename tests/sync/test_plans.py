"""Every statement of the engine's daily work finds its rows by an index, so that its cost does not grow with the
history. The statements are those that the engine really sends, explained with their parameters as it sends them."""

import re

import pytest
from django.db import connection as database

from bench.plans import FEW, NEARLY_ALL, Explainer
from bench.rows.past import TABLES, make
from portal.desk.picture import counts
from portal.sync import statistics
from portal.sync.models import Flow
from portal.sync.outbox import claim, doubt_lapsed, take_back
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
    explainer = Explainer(GROWING)
    with database.execute_wrapper(explainer):
        yield explainer


def a_day(house):
    house.told(*map(order, range(3)))
    house.told(order(1, 2), order(1, 1))
    house.work(house.erp, "deliver")
    house.apply(house.shop, "refund", refund(1, 1), refund(2, 99))
    house.apply(house.erp, "shipment", shipment(1))
    house.work(house.erp, "deliver")
    house.work(house.shop, "deliver")
    sweep()
    doubt_lapsed()


def test_reading_delivering_and_sweeping_find_their_rows_by_an_index(house, plans):
    a_day(house)
    assert len(plans.plans) > 30
    assert not plans.bad()


def analyze():
    with database.cursor() as cursor:
        cursor.execute("ANALYZE sync_operation")


@pytest.mark.parametrize("known", [False, True], ids=["not yet", "by then"])
def test_claiming_costs_the_same_whatever_the_backlog_and_what_the_statistics_know_of_it(house, known):
    house.told(*map(order, range(50)))
    house.deliver()
    analyze()
    house.told(*map(order, range(50, 350)))
    if known:
        analyze()
    explainer = Explainer(GROWING)
    with database.execute_wrapper(explainer):
        assert len(claim(house.erp, 50)) == 50
    (steps,) = [found for sql, found in explainer.plans.items() if sql.startswith('SELECT "sync_operation"')]
    plan = "\n".join(steps)
    in_order, of_its_aggregate = re.split("subplan|subquery", plan, maxsplit=1, flags=re.IGNORECASE)
    assert "claimable_operations" in in_order, plan
    assert not re.search("sort|order by", in_order, re.IGNORECASE), plan
    assert not (known and "ORDER BY" in plan), plan
    assert re.search("open_operations.*aggregate", of_its_aggregate, re.DOTALL), plan


@pytest.mark.skipif(database.vendor != "sqlite", reason="PostgreSQL gathers its own figures")
def test_what_sqlite_learns_of_a_long_history_hides_no_index(house):
    make(2 * statistics.FEWER_TELL_NOTHING)
    explainer = Explainer(TABLES)
    with database.execute_wrapper(explainer):
        a_day(house)
        take_back()
        counts(Flow.objects.all())
    assert not explainer.bad()
