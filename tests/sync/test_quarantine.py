"""What a restored database has forgotten is asked for, and nothing is done twice."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from portal.records.models import StockLevel
from portal.sdk import OutcomeUnknown, Promise
from portal.sync import quarantine
from portal.sync.mending import retry_operations
from portal.sync.models import Case, Flow, Operation, Quarantine
from portal.sync.switching import switch
from tests.sync.set_back import begin, forgotten, read_everything, settle_down, tell
from tests.toys import ToyErp, line, loses, order, product, refund, shipment

pytestmark = pytest.mark.usefixtures("doubled")

PLACE = ("shop-1", "shop-main")


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


def test_no_later_change_of_an_order_is_sent_under_a_key_that_we_forgot(house, toys):
    toys.setattr(ToyErp, "promises", {"order": Promise.IDEMPOTENCY_KEY})
    with forgotten():
        house.told(order(1))
        house.told(order(1, 2, note="Ring twice."))
        house.deliver()
    tell(house, order(1, 2, note="Ring twice."))
    begin()
    settle_down(house)
    tell(house, order(1, 3, state="cancelled"))
    settle_down(house)
    assert house.states() == ["done", "done"]
    assert house.erp_remote.held["order"]["toyerp-o1"].state == "cancelled"
    sent = [key for name, key in house.erp_remote.calls if name == "push_order"]
    assert len(sent) == len(set(sent))


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
