"""A quarantine ends when all was read and looked up, or when a person ends it."""

import pytest

from portal.sdk import OutcomeUnknown, Promise
from portal.sync import quarantine
from portal.sync.models import Quarantine
from tests.sync.set_back import begin, forgotten, read_everything, settle_down, tell
from tests.toys import ToyErp, fails, order

pytestmark = pytest.mark.usefixtures("doubled")


def test_it_lasts_until_all_was_read_and_looked_up(house):
    house.told(order(1))
    house.erp_remote.then("find_order", fails(OutcomeUnknown("Nobody can tell.")))
    open_ = begin()
    quarantine.review()
    told = quarantine.progress(open_)
    assert (told.read, told.to_look_up, told.unread) == (0, 1, ("ERP", "SHOP"))
    read_everything(house)
    quarantine.review()
    assert Quarantine.objects.filter(open=True).exists()
    house.deliver()
    told = quarantine.progress(open_)
    assert (told.read, told.to_look_up, told.for_people) == (told.reads, 0, 1)
    quarantine.review()
    assert not Quarantine.objects.filter(open=True).exists()


def test_with_nothing_to_look_up_it_lasts_until_every_source_was_read(house):
    begin()
    quarantine.review()
    assert Quarantine.objects.filter(open=True).exists()
    read_everything(house)
    quarantine.review()
    assert not Quarantine.objects.filter(open=True).exists()


def test_what_stands_behind_something_that_needs_a_person_is_not_waited_for(house, toys):
    toys.setattr(ToyErp, "promises", {"order": Promise.NOTHING})
    begin()
    tell(house, order(1))
    read_everything(house)
    house.deliver()
    tell(house, order(1, 2, state="cancelled"))
    settle_down(house)
    assert house.states() == ["review", "ready"]
    assert not Quarantine.objects.filter(open=True).exists()


def test_a_person_ends_it_with_a_reason_and_what_is_in_doubt_is_still_looked_up(house):
    house.told(order(1))
    with forgotten():
        house.deliver()
    begin()
    with pytest.raises(ValueError, match="Say why"):
        quarantine.end(None, " ")
    quarantine.end(None, "The shop is down for a week.")
    with pytest.raises(ValueError, match="ended already"):
        quarantine.end(None, "Again.")
    house.deliver()
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


def test_a_second_restore_begins_anew(house):
    first, second = begin(), begin()
    first.refresh_from_db()
    assert (first.open, second.open) == (False, True)
    assert "once more" in first.reason
