"""What the database itself refuses, were the code before it wrong one day."""

import pytest
from django.db import IntegrityError, transaction

from portal.sync.models import Event, Operation
from tests.toys import order


def refused(constraint):
    return pytest.raises(IntegrityError, match=constraint)


@pytest.fixture
def second(house):
    """An order that is being sent, and the next operation of the same order."""
    house.told(order(1))
    Operation.objects.update(state="sending")
    house.told(order(1, 2, note="edited"))
    return Operation.objects.get(intent=2)


@pytest.mark.parametrize("first", ["sending", "unknown"])
@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_two_operations_of_one_record_are_never_under_way_at_once(second, first, state):
    Operation.objects.filter(intent=1).update(state=first)
    with refused("aggregate"), transaction.atomic():
        Operation.objects.filter(pk=second.pk).update(state=state)
    Operation.objects.filter(intent=1).update(state="done")
    assert Operation.objects.filter(pk=second.pk).update(state=state)


def test_two_operations_never_share_a_key_at_one_remote(second):
    with refused("op_key|one_operation_a_key"), transaction.atomic():
        Operation.objects.filter(pk=second.pk).update(op_key=Operation.objects.get(intent=1).op_key)


def test_one_webhook_stored_by_two_processes_at_once_is_one_event(house):
    def event():
        return Event(
            connection=house.shop, dedupe_key="e1", topic="t", kind="order", external_id="o1", body=b""
        )

    Event.objects.bulk_create([event()], ignore_conflicts=True)
    Event.objects.bulk_create([event()], ignore_conflicts=True)
    assert Event.objects.count() == 1
