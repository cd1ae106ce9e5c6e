"""A database that was set back is noticed by the mark beside it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from portal.sync import mark, pump
from portal.sync.clock import db_now
from portal.sync.models import Beat, Mark, Quarantine
from tests.sync.set_back import forgotten, settle_down
from tests.toys import order

pytestmark = pytest.mark.usefixtures("doubled")


@pytest.fixture
def copy(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "mark.json"


def test_a_database_set_back_by_any_means_is_noticed_before_anything_is_sent(house, copy):
    mark.look()
    house.told(order(1))
    with forgotten():
        mark.grow()
        mark.look()
        house.deliver()
    assert len(house.erp_remote.held["order"]) == 1

    assert house.deliver() == "lease lost"
    assert Quarantine.objects.get(open=True).known > Quarantine.objects.get().remembered
    settle_down(house)
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


def test_the_pump_notices_it_and_forgets_the_processes_of_the_past(house, copy, monkeypatch):
    mark.look()
    Beat.objects.create(name="canary-sent", at=timezone.now() - timedelta(hours=1), note="7")
    Beat.objects.create(name="canary", at=timezone.now() - timedelta(hours=2), note="6 here 4711")
    monkeypatch.setattr(pump, "_kill_cluster", lambda place: pytest.fail(f"killed {place}"))
    with forgotten():
        mark.grow()
        mark.look()
    pump.turn()
    assert Quarantine.objects.filter(open=True).exists()


def test_a_database_that_goes_on_is_not_suspected(house, copy):
    for _ in range(3):
        mark.look()
        mark.grow()
    assert mark.look() is False
    assert not Quarantine.objects.exists()


def test_the_mark_grows_also_while_the_clock_goes_back(house, copy, monkeypatch):
    mark.look()
    before = Mark.objects.get().moment
    monkeypatch.setattr(mark, "db_now", lambda: db_now() - timedelta(hours=1))
    assert mark.look() is False
    assert Mark.objects.get().moment > before
    assert mark.look() is False


@pytest.mark.parametrize("said", ["", "{", '{"database": "another", "moment": 99999999999999999}', "[1]"])
def test_a_copy_that_is_unreadable_or_another_database_s_knows_nothing(house, copy, said):
    copy.write_text(said)
    assert mark.look() is False
    assert str(Mark.objects.get().database) in copy.read_text()


def test_a_copy_that_cannot_be_kept_is_told_once_and_holds_nothing_up(house, copy, settings, caplog):
    mark._complain.cache_clear()
    settings.DATA_DIR = copy / "nowhere"
    for _ in range(3):
        assert mark.look() is False
    assert len([each for each in caplog.messages if "may go unnoticed on this host" in each]) == 1


def test_noticed_twice_it_begins_once(house, copy):
    mark.look()
    with forgotten():
        mark.grow()
        mark.look()
    behind = copy.read_text()
    assert mark.look() is True
    copy.write_text(behind)
    assert mark.look() is False
    assert Quarantine.objects.count() == 1
