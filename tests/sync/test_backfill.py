"""Reading a span of time again: resumable, beside the live reading, and nothing is sent twice."""

import multiprocessing
import os
import signal
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from portal.records.models import Order
from portal.sdk import RetryLater
from portal.sync import backfill
from portal.sync.models import Backfill, Fact, Job, Operation, Run
from tests.sync.counting import counting
from tests.toys import NOON, fails, order

DAY = timedelta(days=1)


def placed(number):
    """An order an hour after the one before."""
    return order(number, placed_at=NOON + timedelta(hours=number))


@pytest.fixture
def full(house):
    """The shop has 48 orders, ten to a page; the portal has every second of them."""
    house.shop_remote.page_size = 10
    house.shop_remote.feed["order"].extend(placed(number) for number in range(48))
    house.told(*(placed(number) for number in range(0, 48, 2)))
    house.deliver()
    return house


def ask(house, since=NOON, until=NOON + DAY):
    return backfill.ask(house.shop, "order", since, until, by="Ada")


def turn(house):
    return house.work(house.shop, "backfill")


def through(house, most=20):
    for _ in range(most):
        turn(house)
        if not Backfill.objects.filter(state__in=Backfill.AT_WORK).exists():
            return
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(
    "counts", [True, False], ids=["a remote that reads spans", "one that only tells all"]
)
def test_what_is_missing_comes_in_and_what_is_there_is_not_sent_again(full, monkeypatch, counts):
    if counts:
        counting(monkeypatch)
    row = ask(full)
    through(full)
    row.refresh_from_db()
    assert Order.objects.count() == 24 + 12, (
        "of the day's 24 orders 12 were there; the other day is left alone"
    )
    assert (row.state, row.done, row.total) == ("done", 24, 24 if counts else None)
    assert (row.counts["new"], row.counts["unchanged"]) == (12, 12)
    full.deliver()
    sold = [there for there, _ in full.erp_remote.did("order")]
    assert len(sold) == len(set(sold)) == 36
    backfill.ask(full.shop, "order", NOON, NOON + DAY, by="Ada")
    through(full)
    full.deliver()
    assert len(full.erp_remote.did("order")) == 36


def test_it_leaves_the_cursor_of_the_live_reading_alone(full):
    full.work(full.shop, "pull:order")
    before = Job.objects.get(connection=full.shop, name="pull:order").cursor
    ask(full)
    through(full)
    assert Job.objects.get(connection=full.shop, name="pull:order").cursor == before == "48"


def test_it_lets_the_live_reading_come_between_its_turns(full, monkeypatch):
    counting(monkeypatch)
    monkeypatch.setattr(backfill, "TURN", -1.0)
    row = ask(full)
    for done in (10, 20, 24):
        turn(full)
        row.refresh_from_db()
        assert row.done == done
        job = Job.objects.get(connection=full.shop, name="backfill")
        assert job.due_at > timezone.now() + backfill.PAUSE / 2
    assert row.state == "running", "the last page was the turn's end"
    turn(full)
    row.refresh_from_db()
    assert row.state == "done"
    assert [cursor for kind, cursor in full.shop_remote.cursors if kind == "read order"] == [
        None,
        "10",
        "20",
        "24",
    ]
    assert not Job.objects.get(connection=full.shop, name="backfill").enabled


def test_of_all_connections_one_is_at_it_at_a_time(full):
    ask(full)
    other = Job.objects.create(connection=full.erp, name="backfill", due_at=timezone.now())
    Job.objects.filter(pk=other.pk).update(lease_until=timezone.now() + timedelta(minutes=1))
    assert turn(full) == "nothing new"
    assert Order.objects.count() == 24


def test_a_remote_that_fails_in_between_costs_time_only(full, monkeypatch):
    counting(monkeypatch)
    row = ask(full)
    full.shop_remote.then("read_order", lambda do: do(), fails(RetryLater("Busy.")))
    assert turn(full) == "failed: Busy."
    row.refresh_from_db()
    assert (row.state, row.done, row.cursor) == ("running", 10, "10")
    through(full)
    row.refresh_from_db()
    assert (row.state, row.done, Order.objects.count()) == ("done", 24, 36)


@pytest.mark.django_db(transaction=True)
def test_a_kill_in_the_middle_costs_time_only(full, monkeypatch):
    counting(monkeypatch)
    row = ask(full)

    def killed():
        full.shop_remote.then("read_order", lambda do: do(), lambda _: os.kill(os.getpid(), signal.SIGKILL))
        turn(full)

    connections.close_all()
    worker = multiprocessing.get_context("fork").Process(target=killed)
    worker.start()
    worker.join(60)
    assert worker.exitcode == -signal.SIGKILL
    row.refresh_from_db()
    assert (row.state, row.done, row.cursor) == ("running", 10, "10")
    through(full)
    row.refresh_from_db()
    assert (row.state, row.done, Order.objects.count()) == ("done", 24, 36)
    assert ("read order", "10") in full.shop_remote.cursors
    assert Operation.objects.filter(kind="order").count() == 36


def test_it_can_be_paused_resumed_and_stopped(full, monkeypatch):
    counting(monkeypatch)
    monkeypatch.setattr(backfill, "TURN", -1.0)
    row = ask(full)
    turn(full)
    backfill.pause(row, "Ada")
    with pytest.raises(ValueError, match="It is paused; look at it again"):
        backfill.pause(row, "Ben")
    turn(full)
    row.refresh_from_db()
    assert (row.state, row.done) == ("paused", 10)
    backfill.resume(row, "Ben")
    turn(full)
    row.refresh_from_db()
    assert (row.state, row.done) == ("running", 20)
    backfill.stop(row, "Ben")
    assert not Job.objects.get(connection=full.shop, name="backfill").enabled
    with pytest.raises(ValueError, match="It is stopped"):
        backfill.resume(row, "Ben")
    assert [fact.text for fact in Fact.objects.filter(kind="backfill", record_id=row.pk)] == [
        "Ada asked for it.",
        "Ada paused it.",
        "Ben resumed it.",
        "Ben stopped it.",
    ]
    assert Order.objects.count() == 34, "what was read stays"


def test_a_person_who_stops_it_during_a_page_is_heard_after_that_page(full, monkeypatch):
    counting(monkeypatch)
    row = ask(full)

    def stopped_meanwhile(do):
        backfill.stop(row, "Ada")
        return do()

    full.shop_remote.then("read_order", stopped_meanwhile)
    turn(full)
    row.refresh_from_db()
    assert (row.state, row.done) == ("stopped", 10)


def test_its_run_has_a_total_and_it_tells_when_it_will_end(full, monkeypatch):
    counting(monkeypatch)
    monkeypatch.setattr(backfill, "TURN", -1.0)
    row = ask(full)
    assert row.ends_at() is None
    turn(full)
    assert Run.objects.get(job__name="backfill").total == 24
    row.refresh_from_db()
    Backfill.objects.update(going_since=timezone.now() - timedelta(seconds=50))
    row.refresh_from_db()
    assert timedelta(seconds=65) < row.ends_at() - timezone.now() < timedelta(seconds=75)


@pytest.mark.parametrize(
    "kind, until, said",
    [
        ("shipment", NOON + DAY, "SHOP cannot be read for shipments."),
        ("product", NOON + DAY, "SHOP cannot be read for products."),
        ("order", NOON, "The end of the span must be later than its beginning."),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(house, kind, until, said):
    with pytest.raises(ValueError, match=said):
        backfill.ask(house.shop, kind, NOON, until, by="Ada")
    assert not Backfill.objects.exists()
