"""The inbox's job when reading again goes wrong: the neighbours pass, and no event is tried for ever."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.records.models import Order
from portal.sdk import Rejected, RetryLater, SkipRecord
from portal.sync.models import Case, Event, Job
from portal.sync.reread import MOST_TRIES, read_again
from portal.sync.sweep import sweep
from tests.toys import ToyShop, fails, order, page


@pytest.fixture
def tell(house):
    def tell(*ids):
        Event.objects.bulk_create(
            Event(
                connection=house.shop,
                dedupe_key=each,
                topic="order",
                kind="order",
                external_id=each,
                body=b"",
            )
            for each in ids
        )

    house.shop_remote.feed["order"] = [order(number) for number in range(1, 6)]
    return tell


@pytest.fixture
def poison(house, monkeypatch):
    """Order 3 raises whenever it is fetched, alone or with others."""
    true = ToyShop.fetch_order

    def spoil(error):

        def fetch(self, ids):
            if "o3" in ids:
                raise error
            return true(self, ids)

        monkeypatch.setattr(ToyShop, "fetch_order", fetch)

    return spoil


def states():
    return dict(Event.objects.values_list("external_id", "state"))


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("bug"), SystemExit(3), RecursionError(), SkipRecord("It is odd.")]
)
def test_an_event_that_cannot_be_read_again_is_given_up_and_its_neighbours_pass(house, tell, poison, error):
    tell("o1", "o2", "o3", "o4")
    poison(error)
    house.work(house.shop, "inbox")
    house.work(house.shop, "inbox")
    assert states() == {"o1": "done", "o2": "done", "o3": "new", "o4": "done"}
    for _ in range(MOST_TRIES - 2):
        assert not Case.objects.exists()
        house.work(house.shop, "inbox")
    assert states()["o3"] == "parked"
    item = Case.objects.get(cause="unreadable-order").items.get()
    assert "The order o3 was set aside: reading it failed 5 times" in item.message
    tell("o5")
    assert "events" in house.work(house.shop, "inbox")
    assert Order.objects.count() == 4


def test_an_event_whose_reading_ends_its_worker_is_given_up_after_five_and_its_neighbours_pass(
    house, tell, poison
):
    tell("o1", "o2", "o3")

    class Killed(BaseException):
        pass

    poison(Killed())
    for _ in range(MOST_TRIES + 1):  # the last turn only gives it up
        with suppress(Killed):
            house.work(house.shop, "inbox")
    assert states() == {"o1": "done", "o2": "done", "o3": "parked"}
    assert "reading it ended its worker" in Case.objects.get().items.get().message


def test_a_remote_that_is_down_costs_its_events_no_try(house, tell):
    tell("o1")
    for _ in range(MOST_TRIES * 2):
        house.shop_remote.then("fetch_order", fails(RetryLater("Down.", whole_connection=True)))
        type(house.shop).objects.update(resting_until=None)
        house.work(house.shop, "inbox")
    assert Event.objects.get().attempts == 0
    type(house.shop).objects.update(resting_until=None)
    house.work(house.shop, "inbox")
    assert states() == {"o1": "done"}


def test_what_was_given_up_is_read_again_when_a_person_asks_and_its_case_settles(house, tell, monkeypatch):
    tell("o3")
    for _ in range(MOST_TRIES):
        house.shop_remote.then("fetch_order", fails(SkipRecord("It is odd.")))
        house.work(house.shop, "inbox")
    assert states() == {"o3": "parked"}
    read_again(Event.objects.get())
    house.work(house.shop, "inbox")
    assert states() == {"o3": "done"}
    assert Case.objects.get().state == "resolved"


def test_the_sweep_rings_at_once_for_new_events_and_leaves_the_suspect_its_pause(house, tell, rings):
    tell("o1")
    far = timezone.now() + timedelta(minutes=5)
    inbox = Job.objects.filter(name="inbox")
    for attempts, due in ((1, False), (0, True)):
        Job.objects.update(due_at=far, rung_at=None)
        Event.objects.update(attempts=attempts)
        sweep()
        assert (inbox.get().due_at < far) is due


def test_an_object_set_aside_without_its_id_does_not_make_its_event_pass_for_gone(house, tell, monkeypatch):
    tell("o1")
    nameless = page(Rejected(Rejected.NAMELESS, "it is no object"))
    monkeypatch.setattr("tests.toys.ToyShop.fetch_order", lambda *_: nameless)
    house.work(house.shop, "inbox")
    assert states() == {"o1": "done"}
    assert Case.objects.get().cause == "unreadable-order"
