"""A database that was set back. Rolling back to a savepoint sets the database back and leaves the remotes as
they are, which is what a restored backup is; their effect logs tell whether anything was done twice."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from portal.records.models import StockLevel
from portal.sdk import OutcomeUnknown, Promise
from portal.sync import mark, pump, quarantine
from portal.sync.clock import db_now
from portal.sync.mending import retry_operations
from portal.sync.models import Beat, Case, Flow, Job, Mark, Operation, Quarantine
from portal.sync.switching import switch
from tests.toys import ToyErp, fails, line, loses, order, product, refund, shipment

PLACE = ("shop-1", "shop-main")


@contextmanager
def forgotten():
    """What happens inside is forgotten by the database, and not by the remotes."""
    point = transaction.savepoint()
    yield
    transaction.savepoint_rollback(point)


@pytest.fixture
def copy(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "mark.json"


@pytest.fixture(autouse=True)
def doubled(toys):
    """What the ERP was asked to create although it has it: the second one of it, whatever its key was."""
    found, push = [], ToyErp._push

    def pushing(self, kind, change, **how):
        if not change.remote_id and f"toyerp-{change.record.external_id}" in self.remote.held[kind]:
            found.append(change.key)
        return push(self, kind, change, **how)

    toys.setattr(ToyErp, "_push", pushing)
    yield found
    assert found == []


def tell(house, *items, kind="order"):
    house.shop_remote.feed[kind].extend(items)


def read_everything(house):
    for job in Job.objects.filter(enabled=True, name__startswith="pull:").order_by("name"):
        house.work(job.connection, job.name)


def begin():
    return quarantine.begin("A test", remembered=None, known=None)


def settle_down(house):
    """Both sides are read and written until nothing moves; the quarantine ends as the pump ends it."""
    for _ in range(3):
        read_everything(house)
        house.deliver(house.erp)
        house.deliver(house.shop)
    quarantine.review()


# -- noticing --


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


# -- what was forgotten --


@pytest.mark.parametrize("promise", [Promise.IDEMPOTENCY_KEY, Promise.UNIQUE_REFERENCE, Promise.SEARCHABLE])
def test_an_order_sent_since_the_backup_is_found_and_not_sent_twice(house, toys, promise):
    toys.setattr(ToyErp, "promises", {"order": promise, "refund": promise})
    with forgotten():
        tell(house, order(1), order(2))
        read_everything(house)
        house.deliver()
    assert len(house.erp_remote.did("order")) == 2
    begin()
    tell(house, order(3))
    settle_down(house)

    assert house.states() == ["done"] * 3
    assert sorted(house.erp_remote.held["order"]) == ["toyerp-o1", "toyerp-o2", "toyerp-o3"]
    assert not Quarantine.objects.filter(open=True).exists()


def test_what_waited_in_the_backup_and_was_sent_since_is_found(house):
    house.told(order(1))
    with forgotten():
        house.deliver()
    begin()
    settle_down(house)
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


def test_what_was_being_sent_at_the_backup_is_asked_for(house):
    house.told(order(1))
    Operation.objects.update(state="sending", lease_until=timezone.now() + timedelta(minutes=1), fence=4)
    begin()
    [operation] = house.operations()
    assert (operation.state, operation.fence, operation.lease_until) == ("unknown", 5, None)
    settle_down(house)
    assert next(name for name, _ in house.erp_remote.calls if "order" in name) == "find_order"
    assert house.states() == ["done"]


def test_an_older_intent_is_not_sent_before_the_source_was_read_again(house):
    house.told(order(1))
    tell(house, order(1, 2, state="cancelled"))
    begin()
    house.deliver()
    assert not [name for name, _ in house.erp_remote.calls if "order" in name]
    settle_down(house)
    assert ("toyerp-o1", "open") not in house.erp_remote.did("order")


def test_a_cancel_since_the_backup_reaches_what_was_sent_since_the_backup(house):
    with forgotten():
        house.told(order(1), order(2))
        house.deliver()
    house.told(order(2))
    tell(house, order(1, 2, state="cancelled"), order(2, 2, state="cancelled"))
    begin()
    settle_down(house)
    held = house.erp_remote.held["order"]
    assert {name: record.state for name, record in held.items()} == {
        "toyerp-o1": "cancelled",
        "toyerp-o2": "cancelled",
    }


def test_an_answer_lost_while_an_order_is_brought_up_to_date_is_asked_for_again(house):
    with forgotten():
        house.told(order(1))
        house.deliver()
    tell(house, order(1, 2, note="Ring twice."))
    begin()
    house.erp_remote.then("push_order", loses(OutcomeUnknown("The answer was lost.")))
    settle_down(house)
    assert house.states() == ["done"]
    assert house.erp_remote.held["order"]["toyerp-o1"].note == "Ring twice."


def test_a_later_version_sent_under_a_key_we_forgot_is_found(house):
    with forgotten():
        house.told(order(1))
        house.told(order(1, 2, note="Ring twice."))
        house.deliver()
    tell(house, order(1, 2, note="Ring twice."))
    assert [key for name, key in house.erp_remote.calls if name == "push_order"] == ["order:shop:o1:2"]
    begin()
    settle_down(house)
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


def test_what_a_remote_that_promises_nothing_may_have_done_goes_to_a_person(house, toys, doubled):
    toys.setattr(ToyErp, "promises", {"order": Promise.NOTHING})
    with forgotten():
        tell(house, order(1))
        read_everything(house)
        house.deliver()
    begin()
    settle_down(house)
    [operation] = house.operations()
    assert operation.state == "review"
    assert len(house.erp_remote.held["order"]) == 1
    assert "mark it done with its id" in Case.objects.get(state="open").mend
    assert not Quarantine.objects.filter(open=True).exists(), "what waits for a person is not waited for"

    retry_operations([operation.pk], "Ann")
    house.deliver()
    assert house.states() == ["done"], "a person's word counts"
    assert len(doubled) == 1
    doubled.clear()


def test_refunds_and_shipments_are_found_too(house):
    tell(house, order(1))
    read_everything(house)
    house.deliver()
    with forgotten():
        tell(house, refund(1), kind="refund")
        house.erp_remote.feed["shipment"].append(shipment(1))
        read_everything(house)
        house.deliver(house.erp)
        house.deliver(house.shop)
    assert (len(house.erp_remote.did("refund")), len(house.shop_remote.did("shipment"))) == (1, 1)
    begin()
    settle_down(house)
    assert (house.states("refund"), house.states("shipment")) == (["done"], ["done"])
    assert (len(house.erp_remote.did("refund")), len(house.shop_remote.did("shipment"))) == (1, 1)


def test_a_flow_that_is_switched_on_again_later_looks_first_too(house):
    live = house.flows.order
    Flow.objects.filter(pk=live.pk).update(state=Flow.State.DRAFT)
    live.refresh_from_db()
    with forgotten():
        switch(live, Flow.State.LIVE, "Ann")
        tell(house, order(1))
        read_everything(house)
        house.deliver()
    begin()
    quarantine.end(None, "All is well.")
    switch(live, Flow.State.LIVE, "Ann")
    read_everything(house)
    house.deliver()
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


def test_what_happened_after_the_quarantine_is_sent_without_asking(house):
    begin()
    settle_down(house)
    tell(house, order(7, placed_at=timezone.now() + timedelta(minutes=1)))
    read_everything(house)
    house.deliver()
    assert [name for name, _ in house.erp_remote.calls if "order" in name] == ["push_order"]


def test_what_lacks_a_tie_is_held_and_looked_up_when_it_is_tied(house):
    new = order(1, 1, line("SKU-9"))
    with forgotten():
        house.read_master(product("SKU-9", "erp-9"), kind="product")
        house.told(new)
        house.deliver()
    known = house.erp_remote.feed["product"].pop()
    tell(house, new)
    begin()
    settle_down(house)
    [operation] = house.operations()
    assert (operation.state, operation.cause, operation.attempts) == ("held", "missing-product", 0)
    house.read_master(known, kind="product")
    house.deliver()
    assert house.states() == ["done"]
    assert len(house.erp_remote.held["order"]) == 1


# -- stock --


def test_old_figures_are_not_written_and_new_ones_are_read_first(house):
    house.erp_remote.stock["erp-1", "erp-main"] = Decimal(10)
    house.shop_remote.stock[PLACE] = Decimal(4)
    for connection, job in ((house.shop, "check:stock"), (house.erp, "pull:stock")):
        house.work(connection, job)
    for job in ("pull:order", "pull:refund"):
        house.work(house.shop, job)
    assert house.states("stock") == ["ready"]
    with forgotten():
        house.deliver(house.shop)
        house.shop_remote.stock[PLACE] -= 7
        house.erp_remote.stock["erp-1", "erp-main"] -= 7
    begin()
    assert house.states("stock") == ["cancelled"]
    assert StockLevel.objects.get(connection=house.shop).doubted_since
    written = len(house.shop_remote.did("stock"))
    house.deliver(house.shop)
    assert len(house.shop_remote.did("stock")) == written

    house.work(house.erp, "pull:stock")
    house.work(house.shop, "check:stock")
    settle_down(house)
    assert house.shop_remote.stock[PLACE] == 3


def test_keys_of_stock_are_new_after_a_restore(house):
    house.erp_remote.stock["erp-1", "erp-main"] = Decimal(10)
    house.shop_remote.stock[PLACE] = Decimal(4)

    def bring():
        house.work(house.shop, "check:stock")
        read_everything(house)
        house.deliver(house.shop)

    with forgotten():
        bring()
    house.shop_remote.stock[PLACE] = Decimal(5)
    begin()
    bring()
    keys = [key for name, key in house.shop_remote.calls if name == "push_stock"]
    assert len(keys) == len(set(keys)) == 2


# -- its end --


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
