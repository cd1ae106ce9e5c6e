"""A page and its cursor are one transaction; pulls go on where the last stored page ended."""

import pytest

from portal.records.models import Order
from portal.sdk import Misconfigured, Rejected
from portal.sync.leases import LeaseLost, take
from portal.sync.models import Case, Job, Operation, Run
from portal.sync.progress import Progress
from portal.sync.pull import pull
from tests.toys import order, refund


def orders_job(house):
    return Job.objects.get(connection=house.shop, name="pull:order")


def test_a_pull_reads_page_by_page_and_then_goes_on_from_its_cursor(house):
    remote = house.shop_remote
    remote.page_size = 10
    remote.feed["order"] = [order(n) for n in range(25)]
    assert house.work(house.shop, "pull:order") == "25 new"
    assert orders_job(house).cursor == "25"
    remote.feed["order"] += [order(3, 2, note="b"), order(99)]
    assert house.work(house.shop, "pull:order") == "1 new, 1 changed"
    assert [cursor for kind, cursor in remote.cursors if kind == "order"] == [None, "25"]
    run = Run.objects.filter(job__name="pull:order").first()
    assert (run.state, run.counts) == ("done", {"new": 1, "changed": 1})


@pytest.mark.parametrize("at", ["portal.sync.pull.keep", "portal.sync.apply.route", "portal.sync.apply.note"])
def test_a_fault_in_the_middle_stores_neither_rows_nor_cursor(house, monkeypatch, at):
    house.shop_remote.page_size = 10
    house.shop_remote.feed["order"] = [order(n) for n in range(25)]
    real, pages = __import__(at.rpartition(".")[0], fromlist=["x"]), []
    inner = getattr(real, at.rpartition(".")[2])

    def third_page_fails(*args, **fields):
        pages.append(args)
        if len(pages) == 3:
            raise RuntimeError("power cut")
        return inner(*args, **fields)

    monkeypatch.setattr(at, third_page_fails)
    said = house.work(house.shop, "pull:order")
    assert "power cut" in said
    stored = Order.objects.count()
    assert stored in (10, 20)
    assert orders_job(house).cursor == str(stored)
    assert Operation.objects.count() == stored
    monkeypatch.undo()


def test_a_pull_that_failed_halfway_goes_on_there(house):
    house.shop_remote.page_size = 10
    house.shop_remote.feed["order"] = [order(n) for n in range(25)]
    give = iter([False, True])

    def fail_once(do):
        if next(give):
            raise Misconfigured("Wrong key.", mend="Enter it.")
        return do()

    house.shop_remote.then("pull_order", fail_once, fail_once)
    assert house.work(house.shop, "pull:order") == "failed: Wrong key. Enter it."
    assert Case.objects.get().cause == "connection"
    house.shop.refresh_from_db()
    assert house.shop.resting_until
    type(house.shop).objects.update(resting_until=None)
    assert house.work(house.shop, "pull:order") == "15 new"
    assert Case.objects.get().state == "resolved"


def test_a_worker_that_lost_its_lease_stores_nothing_more(house):
    house.shop_remote.page_size = 10
    house.shop_remote.feed["order"] = [order(n) for n in range(15)]
    mine = take(orders_job(house).pk)

    def taken_over(do):
        Job.objects.filter(pk=mine.pk).update(fence=mine.fence + 1)
        return do()

    house.shop_remote.then("pull_order", lambda do: do(), taken_over)
    with pytest.raises(LeaseLost, match="was taken over"):
        pull(mine, Progress(mine))
    assert Order.objects.count() == 10
    assert orders_job(house).cursor == "10"


def test_the_connector_is_closed_even_after_an_error(house):
    before = house.shop_remote.closed
    house.shop_remote.then("pull_order", lambda _: 1 / 0)
    assert "ZeroDivisionError" in house.work(house.shop, "pull:order")
    assert house.shop_remote.closed == before + 1


def test_a_page_of_rejected_objects_moves_the_cursor_too(house):
    house.shop_remote.feed["order"] = [Rejected("o1", "no total")]
    assert house.work(house.shop, "pull:order") == "1 rejected"
    assert orders_job(house).cursor == "1"


def test_an_idle_pull_leaves_no_run(house):
    Run.objects.all().delete()
    assert house.work(house.shop, "pull:order") == "nothing new"
    assert not Run.objects.exists()


def test_refunds_of_two_shops_do_not_meet(house, db):
    house.told(order(1))
    house.apply(house.erp, "order", order(1))
    house.apply(house.shop, "refund", refund(1, 1))
    assert Order.objects.count() == 2
