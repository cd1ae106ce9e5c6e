"""A receipt ties its record to the id that the remote tells, whatever stood there before."""

import pytest

from portal.connections.models import Reference
from portal.connections.selectors import ids_at
from portal.records.models import Order
from portal.sdk import Receipt
from portal.sync import mending
from portal.sync.decide import Outcome
from portal.sync.outbox import claim
from portal.sync.settle import settle
from tests.toys import order, refund

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
