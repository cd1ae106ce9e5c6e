"""Pages of stock that come quickly are stored as one, and mean what they meant one by one."""

from decimal import Decimal

import pytest

from portal.plugins.manager import plugins
from portal.records.models import StockLevel
from portal.sdk import Rejected, RetryLater
from portal.sync import pull, together
from portal.sync.models import CaseItem, Job
from tests.sync.store import HERE, store
from tests.toys import ToyErp, ToyShop, level, page

__all__ = ["store"]

CALM = level(*HERE, 10)


@pytest.fixture
def pages(store, monkeypatch):
    """What the ERP tells of its stock; an exception among the pages is raised there."""
    told = []

    class Telling(ToyErp):
        def pull_stock(self, cursor):
            for each in told:
                if isinstance(each, Exception):
                    raise each
                yield each

    monkeypatch.setattr(plugins(), "_connectors", {"toyshop": ToyShop, "toyerp": Telling})
    # One level stands for the many that are unchanged when a remote is calm.
    monkeypatch.setattr(together, "MOST", 3)
    return told


@pytest.fixture
def stored(monkeypatch):
    """How many levels were in each page that was stored."""
    sizes, apply_page = [], pull.apply_page

    def count(connection, kind, page, **rest):
        sizes.append(len(page.found))
        return apply_page(connection, kind, page, **rest)

    monkeypatch.setattr(pull, "apply_page", count)
    return sizes


def test_the_first_page_tells_that_little_changes_and_the_others_are_stored_together(store, pages, stored):
    pages += [page(CALM)] * 6
    store.work(store.erp, "check:stock")
    assert stored == [1, 3, 2]


def test_pages_with_many_changes_are_stored_one_by_one(store, pages, stored):
    pages += [page(CALM), *(page(level(*HERE, pieces)) for pieces in (4, 5, 6)), page(CALM)]
    store.work(store.erp, "check:stock")
    assert stored == [1, 3, 1]


def test_a_slow_remote_is_not_waited_for(store, pages, stored, monkeypatch):
    monkeypatch.setattr(together, "PATIENCE", -1.0)
    pages += [page(CALM)] * 3
    store.work(store.erp, "check:stock")
    assert stored == [1, 1, 1]


def test_a_worker_that_follows_one_that_died_stores_page_by_page(store, pages, stored):
    """Each page that is stored tells that it has cost no worker."""
    Job.objects.filter(connection=store.erp, name="check:stock").update(attempts=1)
    pages += [page(CALM)] * 3
    store.work(store.erp, "check:stock")
    assert stored == [1, 1, 1]


def test_what_was_read_before_a_failure_is_stored_with_its_cursor(store, pages, stored):
    pages += [page(CALM, cursor="a"), page(CALM, cursor="b"), page(CALM), RetryLater("Too many calls.")]
    store.work(store.erp, "pull:stock")
    assert stored == [1, 2]
    assert Job.objects.get(connection=store.erp, name="pull:stock").cursor == "b"


def test_a_level_told_twice_counts_as_its_newest_version_tells_it(store, pages):
    pages += [page(CALM), page(level(*HERE, 7, version=5)), page(level(*HERE, 8, version=4))]
    store.work(store.erp, "check:stock")
    kept = StockLevel.objects.get(connection=store.erp)
    assert (kept.available, kept.version) == (Decimal(7), 5)


def test_what_no_page_could_read_is_set_aside_from_all_of_them(store, pages):
    pages += [page(CALM), page(Rejected("a", "no")), page(Rejected("b", "no"))]
    store.work(store.erp, "check:stock")
    assert {each.label for each in CaseItem.objects.all()} == {"stock a", "stock b"}
