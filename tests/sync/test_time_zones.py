"""Moments are instants: neither the hour that a clock shows twice nor the zone of a machine changes anything."""

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from portal.connections.models import Connection
from portal.records import models as records
from portal.sdk import Order, version_of
from portal.sync.models import Job, Operation
from portal.sync.outbox import claim
from tests.toys import order

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
SUMMER = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
"""The first half past two of the night in which the clocks are set back."""

WINTER = SUMMER.replace(minute=10, fold=1)
"""Forty minutes later, though the clock shows less."""


@pytest.fixture(params=["Pacific/Kiritimati", "America/New_York"])
def far_away(request, monkeypatch, settings):
    """The machine and the portal's screens are in another zone."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        settings.TIME_ZONE = request.param
        yield
    time.tzset()


@pytest.mark.parametrize("arrival", ["in order", "the other way round"])
def test_in_the_hour_that_comes_twice_the_later_change_wins(house, arrival):
    changes = [
        order(version=version_of(SUMMER), note="before"),
        order(version=version_of(WINTER), note="after"),
    ]
    for change in changes if arrival == "in order" else reversed(changes):
        house.told(change)
    assert house.operations()[-1].payload["note"] == "after"
    assert house.states()[-1] == "ready"


def test_a_flow_starts_at_an_instant_also_in_the_hour_that_comes_twice(house):
    house.flows.order.start_at = SUMMER.astimezone(UTC) + timedelta(minutes=30)
    house.flows.order.save()
    house.told(order(1, placed_at=SUMMER), order(2, placed_at=WINTER))
    house.told(order(3, placed_at=SUMMER.replace(minute=59).astimezone(ZoneInfo("Asia/Tokyo"))))
    assert [operation.label for operation in house.operations()] == ["#2"]


def test_leases_and_due_times_do_not_know_the_machines_zone(far_away, house):
    house.told(order())
    (claimed,) = claim(house.erp, 1)
    claimed.refresh_from_db()
    left = claimed.lease_until - timezone.now()
    assert timedelta(seconds=50) < left <= timedelta(seconds=61)
    Operation.objects.update(state="ready", lease_until=None)
    house.deliver()
    assert house.states() == ["done"]
    job = Job.objects.get(connection=house.erp, name="deliver")
    assert abs(job.due_at - timezone.now()) < timedelta(seconds=job.every + 1)


def test_a_moment_comes_back_as_the_instant_it_was(far_away, house):
    house.told(order(placed_at=SUMMER), order(2, placed_at=WINTER))
    stored = [Order.model_validate(operation.payload).placed_at for operation in house.operations()]
    assert [moment.timestamp() for moment in stored] == [SUMMER.timestamp(), WINTER.timestamp()]
    assert Connection.objects.get(pk=house.shop.pk).created_at <= timezone.now()


def test_two_moments_that_only_look_the_same_are_kept_apart(house):
    """Python takes them for equal; between them lies the hour that comes twice."""
    house.told(order(1, placed_at=SUMMER), order(2, placed_at=SUMMER.replace(fold=1)))
    first, second = records.Order.objects.order_by("number").values_list("placed_at", flat=True)
    assert second - first == timedelta(hours=1)
