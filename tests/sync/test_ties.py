"""A receipt ties its record to the id that the remote tells, and what lacks a tie waits for it."""

import pytest

from portal.connections.models import Reference
from portal.connections.selectors import ids_at
from portal.records.models import Order
from portal.sdk import Receipt
from portal.sync import mending
from portal.sync.decide import Outcome
from portal.sync.models import Case, Fact
from portal.sync.outbox import claim
from portal.sync.settle import settle
from tests.toys import order, refund, shipment

pytestmark = pytest.mark.django_db


def sent(house, *ids):
    """As many operations are claimed, and the remote answers with these ids."""
    answers = zip(claim(house.erp, len(ids)), map(Receipt, ids), strict=True)
    settle(house.erp, [Outcome(operation, receipt) for operation, receipt in answers])


def tied(house):
    """The ERP's id of each order, by its number."""
    numbers = dict(Order.objects.values_list("pk", "number"))
    return {numbers[pk]: there for (_, pk), there in ids_at(house.erp, ["order"], numbers).items()}


@pytest.fixture
def untied(house):
    """Order 1 was booked as s-1, and a person has taken the tie back."""
    house.told(order(1))
    sent(house, "s-1")
    mending.untie(Reference.objects.get(connection=house.erp, external_id="s-1"), "Ada")
    assert tied(house) == {}


def test_what_a_person_untied_is_tied_again_when_the_remote_answers_with_it(house, untied):
    house.apply(house.shop, "refund", refund(1, 1))
    house.deliver()
    assert house.states("refund") == ["held"]
    house.told(order(1, 2, state="cancelled"))
    sent(house, "s-1")
    assert tied(house) == {"#1": "s-1"}
    assert house.states("refund") == ["ready"]


def test_an_id_that_was_untied_may_become_another_orders(house, untied):
    house.told(order(2))
    sent(house, "s-1")
    assert tied(house) == {"#2": "s-1"}


def test_an_order_moves_to_an_id_that_was_untied(house, untied):
    house.told(order(2))
    sent(house, "s-2")
    house.told(order(2, 2, state="cancelled"))
    sent(house, "s-1")
    assert tied(house) == {"#2": "s-1"}


def test_a_person_may_say_that_an_untied_id_is_the_one(house, untied):
    house.told(order(2))
    [waiting] = [each for each in house.operations() if each.state == "ready"]
    mending.mark_done(waiting, "s-1", "Ada", "I have looked.")
    assert tied(house) == {"#2": "s-1"}


def test_an_id_that_belongs_to_another_record_is_no_receipt_and_a_person_is_asked(house):
    """One document there for two orders here: the second would count as booked and be nowhere."""
    house.told(order(1), order(2), order(3))
    claimed = claim(house.erp, 3)
    settle(house.erp, [Outcome(claimed[0], Receipt("s-1"))])
    settle(
        house.erp,
        [Outcome(each, Receipt(there)) for each, there in zip(claimed[1:], ("s-1", "s-3"), strict=True)],
    )
    assert house.states() == ["done", "review", "done"]
    asked = house.operations()[1]
    assert "answered that this is s-1 there, but that id belongs to another order" in asked.message
    assert "which of the two it is" in Case.objects.get(cause="id-taken").mend
    with pytest.raises(ValueError, match="s-1 is another order in the portal"):
        mending.mark_done(asked, "s-1", "Ada", "It is there.")
    mending.mark_done(asked, "s-2", "Ada", "It is there.")
    assert house.states() == ["done"] * 3


def test_two_receipts_of_one_chunk_with_the_same_id_are_one_receipt(house):
    house.told(order(1), order(2))
    settle(house.erp, [Outcome(each, Receipt("s-1")) for each in claim(house.erp, 2)])
    assert house.states() == ["done", "review"]


def test_a_receipt_with_a_number_for_an_id_is_one_with_its_text(house):
    """As the remote's JSON may have it; the other receipts of the chunk are stored with it."""
    house.told(order(1), order(2), order(3))
    sent(house, 4711, "s-2", "4711")
    assert house.states() == ["done", "done", "review"]
    assert tied(house) == {"#1": "4711", "#2": "s-2"}


def test_untied_operations_do_not_keep_the_tied_ones_behind_them_waiting(house):
    house.told(*(order(n, 1, location="nowhere") for n in range(40)), order(99))
    house.deliver()
    assert house.states() == ["held"] * 40 + ["done"]


def test_what_lacks_a_tie_uses_no_attempt_and_is_released_once_it_is_tied(house):
    house.apply(house.shop, "refund", refund(1, 1))
    house.deliver()
    [held] = house.operations("refund")
    assert (held.state, held.attempts, held.cause) == ("held", 0, "missing-order")
    house.told(order(1))
    house.deliver()
    house.deliver()
    assert (house.states("order"), house.states("refund")) == (["done"], ["done"])
    assert [kind for kind, *_ in house.erp_remote.effects] == ["order", "refund"]
    assert not Case.objects.filter(state="open").exists()


def test_an_order_that_comes_does_not_stir_what_waits_for_another(house):
    house.apply(house.shop, "refund", refund(1, 77))
    house.deliver()
    facts = Fact.objects.filter(kind="refund").count()
    for number in range(3):
        house.told(order(number))
        house.deliver()
    assert Fact.objects.filter(kind="refund").count() == facts


def test_a_tie_made_at_the_moment_of_holding_is_found_at_the_next_turn(house):
    """The worker saw no tie; it was made, and had nothing to release, before the worker stored that."""
    house.apply(house.shop, "refund", refund(1, 1))
    [claimed] = claim(house.erp, 1)
    house.told(order(1))
    Reference.objects.create(
        connection=house.erp, kind="order", external_id="e1", record_id=house.operations()[0].record_id
    )
    settle(house.erp, [Outcome(claimed, lacking=("order", "o1"))])
    assert house.states("refund") == ["held"]
    house.deliver()
    house.deliver()
    assert house.states("refund") == ["done"]


def test_a_shipment_waits_for_its_order_and_goes_to_the_shop(house):
    house.told(order(1))
    house.deliver()
    house.apply(house.erp, "shipment", shipment(1))
    house.deliver(house.shop)
    assert house.states("shipment") == ["done"]
    assert house.shop_remote.did("shipment") == [("toyshop-s1", "")]
