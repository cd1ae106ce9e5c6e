"""What a reading of stock costs and means when nothing, or little, has changed."""

import re
from datetime import timedelta
from decimal import Decimal
from threading import Thread

import pytest
from django.db import OperationalError, transaction
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from bench.plans import Explainer
from portal.connections.models import Reference
from portal.plugins.manager import plugins
from portal.records.models import Product, StockLevel
from portal.records.rows import insert
from portal.sync import differences, pull
from portal.sync.clock import db_now
from portal.sync.levels import store_levels
from portal.sync.models import Flow, Job
from portal.sync.stock import route_differences
from tests.plugin_host.hooked import implement
from tests.sync.store import HERE, THERE, believed, sell, shown, store
from tests.toys import ToyErp, ToyShop, level, page

__all__ = ["store"]


class BlindShop(ToyShop):
    """A shop whose stock cannot be read."""

    pull_stock = None


@pytest.fixture
def thousand(store):
    """A thousand products in both, five pieces of each."""
    now, here = db_now(), StockLevel.objects.get(connection=store.erp)
    common = {"origin": store.erp, "version": 1, "digest": "", "data": {}, "changed_at": now}
    products = [Product(external_id=f"x{n}", sku=f"X-{n}", folded=f"x{n}", **common) for n in range(1000)]
    insert(products)
    for each in (store.erp, store.shop):
        insert(
            Reference(connection=each, kind="product", external_id=row.external_id, record_id=row.pk)
            for row in products
        )
        insert(
            StockLevel(
                connection=each, product=row, location=here.location, available=Decimal(5), observed_at=now
            )
            for row in products
        )
    return [level(row.external_id, "erp-main", 5) for row in products]


def read(store, levels):
    """The counts of a page of these levels, and the statements that it took."""
    with CaptureQueriesContext(database) as queries:
        counts = store.apply(store.erp, "stock", *levels)
    return counts, [query["sql"] for query in queries]


def test_an_unchanged_page_of_a_thousand_levels_writes_nothing(store, thousand):
    counts, sent = read(store, thousand)
    assert counts["unchanged"] == 1000
    assert [sql for sql in sent if re.search("^(INSERT|UPDATE|DELETE)|UPDATE .* SET", sql)] == []
    assert len(read(store, thousand[:1])[1]) == len(sent)


def test_of_a_page_only_what_changed_is_looked_at_closer(store, thousand):
    thousand[7] = level("x7", "erp-main", 9)
    given = []

    def note(execute, sql, params, many, context):
        given.append(len(params or ()))
        return execute(sql, params, many, context)

    with database.execute_wrapper(note):
        counts, _ = read(store, thousand)
    assert (counts["changed"], counts["unchanged"]) == (1, 999)
    assert [each.payload["available"] for each in store.operations("stock")] == ["9"]
    assert max(given) < 50


def test_figures_that_are_equal_but_for_binary_fractions_are_unchanged(store):
    StockLevel.objects.filter(connection=store.shop).update(available=0.1 + 0.2)
    counts = store.apply(store.shop, "stock", level(*THERE, Decimal("0.3")))
    assert (counts["unchanged"], counts["changed"]) == (1, 0)
    assert StockLevel.objects.get(connection=store.shop).doubted_since is None


@pytest.mark.parametrize("kind", ["product", "location"])
def test_what_is_only_suggested_to_be_ours_is_untied_for_a_reading(store, kind):
    Reference.objects.filter(connection=store.erp, kind=kind).update(state="suggested")
    counts, _ = read(store, [level(*HERE, 4)])
    assert counts["untied"] == 1
    assert StockLevel.objects.get(connection=store.erp).available == 10


@pytest.mark.parametrize("channel", [ToyShop, BlindShop], ids=["read", "not read"])
@pytest.mark.parametrize("decided", [False, True], ids=["by the source", "by plugins"])
def test_a_channel_whose_figure_is_doubted_is_not_told_to_differ(store, monkeypatch, channel, decided):
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": channel, "toyerp": ToyErp})
    if decided:
        implement(monkeypatch, "decide_availability", buffer=lambda flow, levels: [])
    StockLevel.objects.filter(connection=store.shop).update(available=4)
    flow = Flow.objects.get(source=store.erp, kind="stock")
    (places,) = differences.of_channel(flow)
    assert len(places) == 1
    StockLevel.objects.filter(connection=store.shop).update(doubted_since=db_now())
    assert list(differences.of_channel(flow)) == []


def test_a_figure_that_stayed_the_same_has_what_was_in_flight_in_it_once_it_was_read(store):
    """The ERP books a sale of two and receives two: it shows ten before and after."""
    sell(store, 1, 2)
    store.work(store.shop, "pull:order")
    store.deliver(store.erp)
    store.erp_remote.stock[HERE] += 2
    before = StockLevel.objects.get(connection=store.erp)
    assert store.work(store.erp, "pull:stock") == "1 unchanged"
    assert StockLevel.objects.get(connection=store.erp).observed_at == before.observed_at
    store.deliver(store.shop)
    assert shown(store) == 10


@pytest.fixture
def two_pages(store, monkeypatch):
    """The ERP tells its one level on the first of two pages, which are read in two turns."""

    class Slow(ToyErp):
        def pull_stock(self, cursor):
            if not cursor or cursor == "done":
                yield page(level(*HERE, self.remote.stock[HERE]), cursor="half")
            yield page(cursor="done")

    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": ToyShop, "toyerp": Slow})
    Job.objects.filter(name="pull:stock").update(cursor="")


def test_what_was_booked_between_two_turns_of_one_round_is_still_in_flight_after_it(
    store, two_pages, monkeypatch
):
    """The first turn read the figure before the sale was booked; that the round ended later says nothing."""
    sell(store, 1, 3)
    store.work(store.shop, "pull:order")
    monkeypatch.setattr(pull, "BUDGET", 0.0)
    store.work(store.erp, "pull:stock")
    monkeypatch.setattr(pull, "BUDGET", 120.0)
    store.deliver(store.erp)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 7 == store.erp_remote.stock[HERE]
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 7


def test_a_reading_overwrites_no_figure_of_one_that_began_after_it_and_a_pull_asks_for_a_check(
    store, rings, monkeypatch
):
    store.work(store.erp, "check:stock")
    job = Job.objects.get(connection=store.erp, name="check:stock")
    assert job.due_at > db_now()
    StockLevel.objects.filter(connection=store.erp).update(observed_at=db_now() + timedelta(hours=1))
    assert store_levels(store.erp, page(level(*HERE, 14)).found, began=db_now())["overtaken"] == 1
    store.erp_remote.stock[HERE] = Decimal(14)
    store.work(store.erp, "pull:stock")
    assert StockLevel.objects.get(connection=store.erp).available == 10
    job.refresh_from_db()
    assert job.due_at <= db_now()


def test_a_pull_that_meets_a_newer_version_than_its_own_asks_for_a_check(store):
    """Its figure may be the newer one all the same, where the version is the moment when the reading began."""
    store.work(store.erp, "check:stock")
    StockLevel.objects.filter(connection=store.erp).update(version=9)
    store.erp_remote.stock[HERE] = Decimal(4)
    assert store.work(store.erp, "pull:stock") == "1 older"
    assert Job.objects.get(connection=store.erp, name="check:stock").due_at <= db_now()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite has one writer, and no locks of rows")
def test_a_doubt_that_comes_while_a_page_is_stored_waits_for_it_and_so_is_kept(store):
    """The page would overwrite it with what it had fetched before: nobody would know that the figure is unknown."""
    told = []

    def doubt_meanwhile():
        try:
            with transaction.atomic():
                list(StockLevel.objects.select_for_update(nowait=True, of=("self",)))
            told.append("comes between")
        except OperationalError:
            told.append("waits")
        finally:
            database.close()

    def before_writing(execute, sql, params, many, context):
        if re.search('UPDATE "records_stocklevel"', sql):
            other = Thread(target=doubt_meanwhile)
            other.start()
            other.join()
        return execute(sql, params, many, context)

    with database.execute_wrapper(before_writing):
        store.apply(store.shop, "stock", level(*THERE, 9))
    assert told == ["waits"]


def test_the_check_of_a_source_finds_what_its_channels_ought_to_show(store):
    Flow.objects.filter(kind="stock").update(buffer=3)
    store.work(store.erp, "check:stock")
    store.deliver(store.shop)
    assert shown(store) == 7 == believed(store)
    store.work(store.erp, "check:stock")
    assert len(store.operations("stock")) == 1


def test_a_channel_that_cannot_be_read_is_told_once_it_is_tied(store, monkeypatch):
    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": BlindShop, "toyerp": ToyErp})
    StockLevel.objects.filter(connection=store.shop).delete()
    tie = Reference.objects.get(connection=store.shop, kind="product")
    Reference.objects.filter(pk=tie.pk).update(state="rejected")
    store.work(store.erp, "check:stock")
    assert store.operations("stock") == []
    tie.save()
    store.work(store.erp, "check:stock")
    assert [each.payload["available"] for each in store.operations("stock")] == ["10"]


def test_where_plugins_decide_what_is_shown_the_check_asks_them_of_everything(store, monkeypatch):
    asked = []

    def decide(flow, levels):
        asked.extend(each.external_id for each in levels)
        return []

    implement(monkeypatch, "decide_availability", buffer=decide)
    store.work(store.erp, "check:stock")
    assert asked == ["erp-1@erp-main"]


def test_channels_that_show_what_they_ought_to_cost_six_questions_at_most(
    store, thousand, django_assert_max_num_queries
):
    with django_assert_max_num_queries(6):
        list(route_differences(store.erp))


WHOLE_KEYS = (
    {"connection_id", "kind", "external_id"},
    {"connection_id", "kind", "record_id"},
    {"connection_id", "product_id", "location_id"},
    {"connection_id", "product_id"},
)


@pytest.mark.parametrize("known", [False, True], ids=["not yet", "by then"])
def test_levels_and_ties_are_compared_by_their_whole_keys_whatever_the_statistics_know(store, request, known):
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("DELETE FROM pg_statistic")
            cursor.execute("UPDATE pg_class SET reltuples = -1, relpages = 0 WHERE relname LIKE '%\\_%'")
        thousand = request.getfixturevalue("thousand")
        if known:
            cursor.execute("ANALYZE")
        if database.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    explainer = Explainer([])
    with database.execute_wrapper(explainer):
        read(store, thousand)
        list(route_differences(store.erp))
    plans = [
        steps for sql, steps in explainer.plans.items() if re.search("WITH told|FROM records_stock", sql)
    ]
    assert len(plans) == 2
    for step in (step for steps in plans for step in steps):
        assert not re.search(r"Join|Seq Scan|SCAN (?!told|json_each)", step), step
        if found := re.search(r"(Index Cond:|INDEX \w+) \((.*)\)", step):
            without_values = re.sub(r"= \(?\w+\.\w+", "", found[2])
            assert set(re.findall(r"\w+_id\b|kind", without_values)) in WHOLE_KEYS, step


def test_a_channel_is_compared_in_spans_of_products_and_told_in_full_parts(store, thousand, monkeypatch):
    monkeypatch.setattr(differences, "SPAN", 100)
    monkeypatch.setattr(differences, "AT_ONCE", 300)
    StockLevel.objects.filter(connection=store.erp).exclude(product__sku__endswith="7").update(available=6)
    flow = Flow.objects.get(source=store.erp, kind="stock")
    with CaptureQueriesContext(database) as queries:
        parts = list(differences.of_channel(flow))
    assert [len(part) for part in parts] == [300, 300, 300, 1]
    told = [place for part in parts for place in part]
    assert told == sorted(set(told))
    compared = [query["sql"] for query in queries if "records_stocklevel here" in query["sql"]]
    assert len(compared) == 11


def test_more_than_a_thousand_differences_are_routed_in_parts(store, thousand):
    StockLevel.objects.filter(connection=store.erp).update(available=6)
    assert len(list(route_differences(store.erp))) == 2
    assert len(store.operations("stock")) == 1001
