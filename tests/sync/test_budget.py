"""One budget of calls a connection: whoever calls, from whatever host, the remote sees no more than its rate."""

import multiprocessing
import threading
import time
from bisect import bisect_left
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from portal.connections.budget import Turns, rate_of, waits
from portal.connections.models import Budget, Connection
from portal.connections.services import opened
from portal.sdk import MustWait, Rate
from portal.sync.models import Job
from portal.sync.tasks import answer
from tests.toys import ToyErp, ToyShop, order

RATE = Rate(40, burst=8)


def turns(connection, rate=RATE):
    found = Turns(connection)
    found.rate = rate
    return found


def call_for(seconds, slug, out, go):
    """One worker of one host: two threads call as fast as they may."""
    connections.close_all()
    budget = turns(Connection.objects.get(slug=slug))
    made = []

    def call():
        while time.monotonic() < until:
            budget.turn()
            made.append(time.monotonic())

    go.wait()
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    budget.close()
    connections.close_all()
    out.put(made)


def most_above(moments, rate):
    """By how many calls the busiest stretch of time exceeds what the rate allows in it."""
    worst = 0.0
    for at, begin in enumerate(moments):
        for end in moments[at:]:
            number = bisect_left(moments, end) - at + 1
            worst = max(worst, number - rate.burst - rate.per_second * (end - begin))
    return worst


@pytest.mark.django_db(transaction=True)
def test_two_processes_together_never_exceed_the_rate_and_use_it(shop):
    context = multiprocessing.get_context("fork")
    go, out = context.Event(), context.Queue()
    connections.close_all()
    workers = [context.Process(target=call_for, args=(2, "shop", out, go)) for _ in range(2)]
    for worker in workers:
        worker.start()
    go.set()
    by_worker = [out.get(timeout=30) for _ in workers]
    for worker in workers:
        worker.join(30)
    moments = sorted(each for made in by_worker for each in made)
    assert most_above(moments, RATE) <= 1
    assert len(moments) > RATE.per_second * 2 * 0.7
    assert all(len(made) > 10 for made in by_worker)


def test_turns_are_taken_in_advance_by_who_calls_often_and_singly_by_who_does_not(shop, monkeypatch):
    asked = []
    budget = turns(shop, Rate(100, burst=50))
    take = budget._take
    monkeypatch.setattr(budget, "_take", lambda: asked.append(1) or take())
    for _ in range(40):
        budget.turn()
    assert len(asked) < 12
    budget.turn()
    time.sleep(0.6)  # what was taken and not used is void by now
    budget.turn()
    assert not budget._turns


def test_a_turn_further_away_than_a_moment_is_not_slept_for(shop):
    budget = turns(shop, Rate(0.1, burst=2))
    began = time.monotonic()
    budget.turn()
    budget.turn()
    with pytest.raises(
        MustWait, match=r"SHOP allows 6 calls a minute, 2 at once\. The next call is made at "
    ) as no:
        budget.turn()
    assert timedelta(seconds=8) < no.value.after <= timedelta(seconds=10)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("rate", [RATE, None], ids=["with a rate", "without one"])
def test_what_the_remote_asks_one_worker_to_wait_all_wait(shop, rate):
    hit, other = turns(shop, rate), turns(shop, rate)
    hit.turn()
    hit.rest(timedelta(seconds=30), "The shop asks us to slow down (HTTP 429).")
    for worker in (hit, other):
        with pytest.raises(
            MustWait, match=r"^The shop asks us to slow down \(HTTP 429\)\. The next call"
        ) as no:
            worker.turn()
        assert timedelta(seconds=29) < no.value.after <= timedelta(seconds=30)
    hit.rest(timedelta(seconds=2), "Again.")
    wait, why = waits(shop, rate)
    assert wait > timedelta(seconds=29), "a shorter wait must not end a longer one"
    assert why == "Again."
    Budget.objects.update(closed_until=0)
    hit.turn()


def test_without_a_rate_the_row_is_not_looked_at_before_every_call(shop, django_assert_num_queries):
    budget = turns(shop, None)
    with django_assert_num_queries(1):
        for _ in range(20):
            budget.turn()


def test_staff_may_lower_a_rate_and_not_raise_it(shop):
    assert rate_of(shop, None) is None
    shop.calls_per_second = 5
    assert rate_of(shop, None) == Rate(5)
    assert rate_of(shop, Rate(2, burst=40)) == Rate(2, burst=40)
    assert rate_of(shop, Rate(10, burst=40)) == Rate(5, burst=40)


def test_no_more_threads_send_than_there_are_turns_in_a_second(shop, monkeypatch):
    monkeypatch.setattr(ToyShop, "rate", Rate(2), raising=False)
    with opened(shop) as connector:
        assert connector.in_flight == 2
    assert ToyShop.in_flight == 4


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_turn_is_far_away_ends_and_comes_back_then_without_having_failed(house, monkeypatch):
    monkeypatch.setattr(ToyErp, "rate", Rate(0.05, burst=2), raising=False)
    for number in (1, 2, 3):
        house.told(order(number))

    def paced(do):
        current[0].turn()
        return do()

    current = []
    monkeypatch.setattr(ToyErp, "__init__", remember(ToyErp.__init__, current))
    house.erp_remote.then("push_order", paced, paced, paced)
    said = house.work(house.erp, "deliver")
    assert said == "2 done, 1 ready"
    house.erp.refresh_from_db()
    assert (house.erp.health, house.erp.failures) == ("good", 0)
    assert house.erp.resting_until > timezone.now() + timedelta(seconds=10)
    waiting = next(each for each in house.operations() if each.state == "ready")
    assert waiting.due_at > timezone.now() + timedelta(seconds=10)
    assert (waiting.attempts, waiting.message[:34]) == (0, "ERP allows 3 calls a minute, 2 at ")
    job = Job.objects.get(connection=house.erp, name="deliver")
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now(), lease_until=None)
    assert answer(job.pk) == "resting"


def remember(init, current):
    def remembering(self, settings):
        init(self, settings)
        current[:] = [self.pacer]

    return remembering


def test_a_reading_job_waits_for_its_turn_without_having_failed(house, monkeypatch):
    def paced(do):
        raise MustWait("The shop allows 2 calls a second.", after=timedelta(seconds=7))

    house.shop_remote.then("pull_order", paced)
    assert house.work(house.shop, "pull:order") == "waits: The shop allows 2 calls a second."
    job = Job.objects.get(connection=house.shop, name="pull:order")
    assert (job.failures, job.last_error, job.runs.count()) == (0, "", 0)
    assert timedelta(seconds=5) < job.due_at - timezone.now() <= timedelta(seconds=7)
