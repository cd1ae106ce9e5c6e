"""A connection that keeps failing: its circuit opens, one trial decides, and everything goes on by itself."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import note_trouble
from portal.sdk import Misconfigured, RetryLater
from portal.sync import health
from portal.sync.health import OPEN_AFTER, usable
from portal.sync.models import Job, Operation
from tests.toys import fails, loses, order

PAST = timedelta(minutes=1)
DOWN = RetryLater("The ERP cannot be reached.", whole_connection=True)


def rested(connection):
    """The rest is over."""
    Connection.objects.filter(pk=connection.pk).update(resting_until=timezone.now() - timedelta(seconds=1))
    connection.refresh_from_db()
    return connection


def down(connection, times):
    for _ in range(times):
        note_trouble(rested(connection), DOWN)


def checks(remote):
    return [call for call in remote.calls if call[0] == "check"]


def test_the_first_failures_only_rest_and_each_rest_is_longer(house):
    rests = []
    for _ in range(OPEN_AFTER - 1):
        down(house.erp, 1)
        assert not usable(house.erp)
        rests.append(house.erp.resting_until - timezone.now())
        assert usable(rested(house.erp))
    assert rests[1] > rests[0] * 1.5
    assert not checks(house.erp_remote)


def test_those_who_were_under_way_when_it_failed_do_not_make_the_rest_longer(house):
    down(house.erp, 1)
    until = house.erp.resting_until
    for _ in range(5):
        note_trouble(house.erp, DOWN)
    assert (house.erp.failures, house.erp.resting_until) == (1, until)
    note_trouble(house.erp, RetryLater("429", after=timedelta(minutes=5), whole_connection=True))
    assert house.erp.resting_until > until
    assert house.erp.failures == 1


def test_an_open_circuit_is_tried_with_a_single_call_and_rests_longer_when_that_fails(house):
    house.told(order(1))
    down(house.erp, OPEN_AFTER)
    before = house.erp.resting_until - timezone.now()
    rested(house.erp)
    house.erp_remote.then("check", fails(DOWN))
    assert house.work(house.erp, "deliver") == "resting"
    house.erp.refresh_from_db()
    assert house.erp.failures == OPEN_AFTER + 1
    assert house.erp.resting_until - timezone.now() > before * 1.5
    assert len(checks(house.erp_remote)) == 1
    assert not house.erp_remote.did("order")


def test_when_the_trial_succeeds_everything_goes_on_by_itself_and_nothing_is_lost(house):
    for number in range(1, 6):
        house.told(order(number))
    house.erp_remote.then("push_order", fails(DOWN))
    house.deliver()
    note_trouble(house.erp, Misconfigured("The key was refused."))
    down(house.erp, OPEN_AFTER)
    rested(house.erp)
    Job.objects.filter(connection=house.erp).update(due_at=timezone.now() + PAST)
    assert house.work(house.erp, "deliver") == "5 done"
    house.erp.refresh_from_db()
    assert (house.erp.health, house.erp.failures, house.erp.resting_until) == ("good", 0, None)
    assert not Job.objects.filter(
        connection=house.erp, enabled=True, due_at__gt=timezone.now() + PAST / 2
    ).exclude(name="deliver"), "the other jobs have to wait no longer either"
    assert sorted(each[0] for each in house.erp_remote.did("order")) == [f"toyerp-o{n}" for n in range(1, 6)]


def test_an_answer_lost_just_before_the_circuit_opened_is_looked_up_after_it(house):
    house.told(order(1))
    house.erp_remote.then("push_order", loses(DOWN))
    house.deliver()
    down(house.erp, OPEN_AFTER)
    rested(house.erp)
    house.work(house.erp, "deliver")
    assert Operation.objects.get().state in ("done", "retry_wait")


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_makes_the_trial(house):
    down(house.erp, OPEN_AFTER)
    rested(house.erp)
    release, found = threading.Event(), []

    def slowly(do):
        release.wait(10)
        return do()

    house.erp_remote.then("check", slowly)

    def worker():
        found.append(usable(Connection.objects.get(pk=house.erp.pk)))
        if len(found) == 3:
            release.set()
        connections.close_all()

    workers = [threading.Thread(target=worker) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(20)
    assert sorted(found) == [False, False, False, True]
    assert len(checks(house.erp_remote)) == 1


def test_a_worker_that_dies_at_its_trial_leaves_it_to_another_a_minute_later(house, monkeypatch):
    down(house.erp, OPEN_AFTER)
    rested(house.erp)

    def die(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying, pytest.raises(KeyboardInterrupt):
        dying.setattr(health, "probe", die)
        usable(house.erp)
    house.erp.refresh_from_db()
    assert timedelta(seconds=30) < house.erp.resting_until - timezone.now() <= PAST
    assert usable(rested(house.erp))


def test_who_lost_the_trial_to_another_that_succeeded_goes_on_at_once(house):
    down(house.erp, OPEN_AFTER)
    rested(house.erp)
    late = Connection.objects.get(pk=house.erp.pk)
    assert usable(house.erp)
    assert usable(late)
    assert len(checks(house.erp_remote)) == 1
