"""Several workers deliver to one connection: each in a lane of its own, together within its bounds."""

import time
from itertools import count
from threading import Barrier

import pytest
from django.utils import timezone

from portal.sdk import OutcomeUnknown
from portal.sync.clock import in_
from portal.sync.lanes import Share
from portal.sync.leases import LEASE
from portal.sync.models import Job
from tests.toys import Toy, ToyErp, fails, line, order


@pytest.fixture
def first_at_work(house):
    """Another worker holds the first lane."""
    Job.objects.filter(connection=house.erp, name="deliver").update(lease_until=in_(LEASE))


def test_a_second_worker_delivers_while_the_first_one_holds_its_lane(house, first_at_work):
    house.told(*map(order, range(6)))
    house.work(house.erp, "deliver:2")
    assert house.states() == ["done"] * 6


def test_lanes_share_the_calls_that_may_be_in_flight(house, first_at_work):
    house.told(*map(order, range(12)))
    house.erp_remote.watch = Barrier(ToyErp.in_flight // 2, timeout=20).wait
    house.work(house.erp, "deliver:2")
    assert house.states() == ["done"] * 12
    assert house.erp_remote.most_busy == ToyErp.in_flight // 2


def test_a_lane_gives_way_when_another_begins(house, monkeypatch):
    monkeypatch.setattr("portal.sync.deliver.GATHER", 0.01)
    house.told(*map(order, range(80)))
    busy, remote, calls = [], house.erp_remote, count()
    all_slots, half = Barrier(ToyErp.in_flight, timeout=20), Barrier(ToyErp.in_flight // 2, timeout=20)

    def watch():
        number = next(calls)
        if number < ToyErp.in_flight:
            all_slots.wait()
        elif number >= 60:
            half.wait()
        busy.append(remote.busy)
        time.sleep(0.01)

    remote.watch = watch
    adjust = Share.adjust

    def another_begins(share):
        if len(busy) > 10:
            Job.objects.filter(connection=house.erp, name="deliver:2").update(lease_until=in_(LEASE))
        adjust(share)

    monkeypatch.setattr(Share, "adjust", another_begins)
    house.deliver()
    assert house.states() == ["done"] * 80
    assert (max(busy[:10]), max(busy[-10:])) == (ToyErp.in_flight, ToyErp.in_flight // 2)


def due(house):
    """The lanes that are due, of those that are called."""
    lanes = Job.objects.filter(connection=house.erp, name__startswith="deliver:", due_at__lte=timezone.now())
    return set(lanes.values_list("name", flat=True))


@pytest.fixture
def asleep(house):
    Job.objects.filter(name__startswith="deliver:").update(due_at=in_(LEASE))


def test_a_worker_that_cannot_keep_up_calls_the_other_lanes(house, asleep):
    house.told(*map(order, range(60)))
    house.deliver()
    assert due(house) == {"deliver:2", "deliver:3", "deliver:4"}


def test_little_to_send_calls_nobody(house, asleep):
    house.told(*map(order, range(3)))
    house.deliver()
    assert due(house) == set()


def test_a_lane_does_not_overtake_what_another_has_in_hand(house, first_at_work):
    """The first version's answer is lost; the second waits for it, whichever lane looks."""
    house.told(order(1))
    house.erp_remote.then("push_order", fails(OutcomeUnknown("?")))
    house.work(house.erp, "deliver:2")
    house.told(order(1, 2, line(quantity=2)))
    house.work(house.erp, "deliver:3")
    assert house.states() == ["unknown", "ready"]


def test_there_are_no_more_lanes_than_calls_in_flight(house, toys):
    assert Job.objects.filter(connection=house.shop, name__startswith="deliver").count() == Toy.in_flight
