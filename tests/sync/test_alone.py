"""An operation that ends its worker: sent alone after two, given up after four, and its neighbours pass."""

import os
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.sync.alone import MOST_LOST
from portal.sync.mending import retry_operations
from portal.sync.models import Case, Operation
from portal.sync.outbox import SUSPECT, claim, doubt_lapsed
from tests.toys import ToyErp, order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def deadly(house, monkeypatch):
    """Sending order 2 ends the process that does it."""
    true, parent = ToyErp.push_order, os.getpid()

    def push(self, change):
        if change.record.external_id == "o2":
            assert os.getpid() != parent, "it reached the worker itself"
            os.kill(os.getpid(), signal.SIGKILL)
        return true(self, change)

    monkeypatch.setattr(ToyErp, "push_order", push)
    house.told(order(1), order(2), order(3))
    return Operation.objects.get(label="#2")


def lose_a_worker(house):
    claim(house.erp, 3)
    Operation.objects.filter(state="sending").update(lease_until=timezone.now() - timedelta(minutes=1))
    doubt_lapsed()
    Operation.objects.filter(state="unknown").update(state="ready")


def test_lost_workers_make_suspects_and_nothing_worse(house, deadly):
    for _ in range(SUSPECT + 3):
        lose_a_worker(house)
    assert set(Operation.objects.values_list("workers_lost", flat=True)) == {SUSPECT}
    assert claim(house.erp, 3) == []
    assert len(claim(house.erp, 3, suspect=True)) == 3


def test_what_ends_its_own_process_is_given_up_and_its_neighbours_pass(house, deadly):
    for _ in range(SUSPECT):
        lose_a_worker(house)
    for _ in range(MOST_LOST - SUSPECT):
        house.deliver()  # sends it, and the process ends
        house.deliver()  # looks it up, and it is not there
    deadly.refresh_from_db()
    assert (deadly.state, deadly.cause, deadly.attempts) == ("review", "connector-bug", MOST_LOST)
    assert "it ended its process, 4 times in all; the last one was ended by SIGKILL" in deadly.message
    assert "Report what it says to the plugin's author." in Case.objects.get().mend
    others = Operation.objects.exclude(pk=deadly.pk)
    assert set(others.values_list("state", flat=True)) == {"done"}


def test_trying_again_by_hand_begins_with_a_clean_slate(house, deadly):
    Operation.objects.update(workers_lost=MOST_LOST, state="review")
    retry_operations([deadly.pk], "Ann")
    deadly.refresh_from_db()
    assert deadly.workers_lost == 0
