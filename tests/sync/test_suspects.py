"""What ends the worker that reads it: found by the workers after it, set aside, and its neighbours pass."""

import pytest
from django.utils import timezone

from portal.records.models import Order
from portal.sdk import RetryLater, read_each
from portal.sync.models import Case, Job
from portal.sync.suspects import MOST_DEATHS
from tests.toys import ToyShop, fails, order


class Killed(BaseException):
    """Nothing runs after it, as nothing runs after ``kill -9``."""


@pytest.fixture
def shelf(house, monkeypatch):
    """Orders 1 to 5 on one page, read one by one; what is in ``deadly`` ends its worker."""
    house.deadly = {}

    def read(raw):
        if raw["number"] in house.deadly:
            raise house.deadly[raw["number"]]
        return order(raw["number"], raw["version"])

    def pull(self, cursor):
        raws = [{"id": f"o{each}", "number": each, "version": house.version} for each in range(1, 6)]
        yield read_each(raws, read, cursor="1")

    house.version = 1
    monkeypatch.setattr(ToyShop, "pull_order", pull)
    return house


def turns(house):
    """Workers take the job until one comes to its end; how many it took."""
    for number in range(1, 20):
        try:
            said = house.work(house.shop, "pull:order")
        except Killed:
            continue
        if not said.startswith("failed"):
            return number
    raise AssertionError(said)


def numbers():
    return set(Order.objects.values_list("number", flat=True))


@pytest.mark.parametrize("end", [Killed(), SystemExit(3)])
def test_a_record_that_ends_its_worker_is_set_aside_at_the_fourth_and_its_neighbours_pass(shelf, end):
    shelf.deadly[3] = end
    assert turns(shelf) == 5
    assert numbers() == {"#1", "#2", "#4", "#5"}
    item = Case.objects.get(cause="unreadable-order").items.get()
    assert "The order o3 was set aside: reading it ended the worker each time" in item.message
    assert turns(shelf) == 1, "it is known"


def test_two_such_records_are_both_found(shelf):
    shelf.deadly |= {2: Killed(), 5: Killed()}
    assert turns(shelf) <= 8
    assert numbers() == {"#1", "#3", "#4"}


def test_what_was_corrected_in_the_remote_is_read_again_and_its_case_settles(shelf):
    shelf.deadly[3] = Killed()
    turns(shelf)
    shelf.deadly.clear()
    shelf.version = 2
    assert turns(shelf) == 1
    assert "#3" in numbers()
    assert Case.objects.get(cause="unreadable-order").state == "resolved"


def test_what_was_in_hand_when_something_else_went_wrong_is_innocent(shelf):
    shelf.deadly[3] = Killed()
    with pytest.raises(Killed):
        shelf.work(shelf.shop, "pull:order")
    shelf.deadly.clear()
    assert turns(shelf) == 1
    job = Job.objects.get(connection=shelf.shop, name="pull:order")
    assert (job.suspects, job.attempts) == ({}, 0)


def one_way(raws, read):
    return read_each(raws, read, cursor="1")


def within(raws, read):
    """Reading an object reads others."""

    def with_lines(raw):
        read_each([{"id": f"{raw['id']}-1"}], lambda _: order(99))
        return read(raw)

    return read_each(raws, with_lines, cursor="1")


def another_way(raws, read):
    """At the third object the connector finds out that it has to read in another way."""

    def quickly(raw):
        if raw["number"] == 3:
            raise RetryLater("Not this way.")
        return read(raw)

    with pytest.raises(RetryLater):
        read_each(raws, quickly)
    return read_each([{**raw, "slowly": True} for raw in raws], read, cursor="1")


@pytest.mark.parametrize("way", [one_way, within, another_way])
def test_who_kills_workers_from_outside_makes_nothing_suspect_that_was_read(shelf, monkeypatch, way):
    """The last of a page stays the last while the page is stored and the next one is waited for."""

    def pull(self, cursor):
        raws = [{"id": f"o{each}", "number": each} for each in range(1, 6)]
        yield way(raws, lambda raw: order(raw["number"]))

    monkeypatch.setattr(ToyShop, "pull_order", pull)
    with monkeypatch.context() as outside:
        outside.setattr("portal.sync.pull.apply_page", lambda *_, **__: fails(Killed())(None))
        for _ in range(MOST_DEATHS - 1):
            with pytest.raises(Killed):
                shelf.work(shelf.shop, "pull:order")
    assert Job.objects.get(connection=shelf.shop, name="pull:order").suspects == {}
    assert turns(shelf) == 1
    assert numbers() == {"#1", "#2", "#3", "#4", "#5"}


def test_a_reading_that_cannot_be_watched_rests_after_five_workers_with_a_case(house):
    job = Job.objects.get(connection=house.shop, name="pull:order")
    for _ in range(MOST_DEATHS):
        house.shop_remote.then("pull_order", fails(Killed()))
        with pytest.raises(Killed):
            house.work(house.shop, "pull:order")
    assert "The last 5 workers that took pull:order of SHOP died of it" in house.work(
        house.shop, "pull:order"
    )
    job.refresh_from_db()
    assert job.due_at > timezone.now()
    assert Case.objects.get(cause="ends-workers").state == "open"
    house.work(house.shop, "pull:order")
    assert Case.objects.get().state == "resolved"


def test_a_remote_that_is_away_does_not_make_a_job_suspect(house):
    job = Job.objects.get(connection=house.shop, name="pull:order")
    for _ in range(MOST_DEATHS * 2):
        house.shop_remote.then("pull_order", fails(RetryLater("Busy.")))
        house.work(house.shop, "pull:order")
    job.refresh_from_db()
    assert job.attempts == 0
