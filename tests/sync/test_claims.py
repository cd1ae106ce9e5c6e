"""Two workers never get the same operation, whatever the database."""

import multiprocessing
import threading
from itertools import chain

import pytest
from django.db import connection as database
from django.db import connections

from portal.connections.models import Connection
from portal.sync.models import Operation
from portal.sync.outbox import claim
from tests.toys import order

pytestmark = pytest.mark.django_db(transaction=True)


def claim_all(slug, found, go):
    """One worker: takes three at a time until nothing is left."""
    go.wait()
    try:
        target = Connection.objects.get(slug=slug)
        idle = 0
        while idle < 3:
            taken = [operation.pk for operation in claim(target, 3)]
            found += taken
            idle = 0 if taken else idle + 1
    finally:
        connections.close_all()


def claim_in_a_process(slug, out, go):
    found = []
    claim_all(slug, found, go)
    out.put(found)


@pytest.fixture
def many(house):
    house.told(*map(order, range(60)))
    return {operation.pk for operation in house.operations()}


def test_threads_share_the_operations_and_get_none_twice(house, many):
    go, found = threading.Event(), [[], [], []]
    workers = [threading.Thread(target=claim_all, args=("erp", each, go)) for each in found]
    for worker in workers:
        worker.start()
    go.set()
    for worker in workers:
        worker.join(60)
    assert sorted(chain.from_iterable(found)) == sorted(many)
    assert set(Operation.objects.values_list("attempts", "fence", "state")) == {(1, 1, "sending")}


def test_processes_share_the_operations_and_get_none_twice(house, many):
    if database.vendor == "postgresql":
        pytest.skip("each thread has a session of its own there, which the test before this one shows")
    database.close()
    context = multiprocessing.get_context("fork")
    go, out = context.Event(), context.Queue()
    workers = [context.Process(target=claim_in_a_process, args=("erp", out, go)) for _ in range(2)]
    for worker in workers:
        worker.start()
    go.set()
    found = [out.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(60)
    assert sorted(chain.from_iterable(found)) == sorted(many)
    assert set(Operation.objects.values_list("attempts", flat=True)) == {1}
