"""The database is away for a moment while a worker lives: what it has in hand is not left to its leases."""

from concurrent.futures import Future
from threading import Event
from types import SimpleNamespace

import pytest
from django.db import OperationalError, transaction

from portal.connections.services import open_connector
from portal.sync import deliver, outage, tasks
from portal.sync.lanes import Share
from portal.sync.models import Fact, Job, Operation
from portal.sync.outbox import claim
from portal.sync.progress import Progress
from tests.toys import order

pytestmark = pytest.mark.django_db
outside_transactions = pytest.mark.django_db(transaction=True)


def failing(times, real):
    """The real function, after so many calls that find the database away."""
    left = [None] * times

    def call(*args, **kwargs):
        if left:
            left.pop()
            raise OperationalError("server closed the connection unexpectedly")
        return real(*args, **kwargs)

    return call


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(outage, "PAUSE", 0)
    return monkeypatch


@outside_transactions
def test_a_receipt_is_stored_once_the_database_answers_again(house, impatient):
    impatient.setattr(deliver, "settle", failing(1, deliver.settle))
    impatient.setattr(outage, "settle", failing(3, outage.settle))
    house.told(order())
    house.deliver()
    operation = Operation.objects.get()
    assert (operation.state, operation.attempts) == ("done", 1), "the remote was asked once, and had answered"
    assert len(house.erp_remote.did("order")) == 1


@outside_transactions
def test_a_receipt_whose_storing_was_never_confirmed_is_stored_once(house, impatient):
    def unconfirmed(*args):
        real(*args)
        raise OperationalError("server closed the connection unexpectedly")

    real = deliver.settle
    impatient.setattr(deliver, "settle", unconfirmed)
    house.told(order())
    house.deliver()
    operation = Operation.objects.get()
    assert (operation.state, operation.attempts, operation.tries.count()) == ("done", 1, 1)
    assert Fact.objects.filter(text__startswith="Done in").count() == 1


def test_a_receipt_is_not_stored_when_somebody_else_has_taken_over_meanwhile(house, impatient):
    def taken_over(*args):
        Operation.objects.update(fence=99)
        return real(*args)

    real = outage.settle
    impatient.setattr(deliver, "settle", failing(1, deliver.settle))
    impatient.setattr(outage, "settle", taken_over)
    house.told(order())
    house.deliver()
    assert Operation.objects.get().state != "done"


def test_what_was_claimed_and_not_begun_is_asked_for_without_waiting_for_its_lease(house, impatient):
    impatient.setattr(deliver, "resolve", failing(1, deliver.resolve))
    house.told(order())
    house.deliver()
    operation = Operation.objects.get()
    assert (operation.state, operation.lease_until, operation.workers_lost) == ("unknown", None, 0)
    house.deliver()
    assert house.states() == ["done"]
    assert len(house.erp_remote.did("order")) == 1


@outside_transactions
def test_the_job_of_a_worker_that_lives_is_given_back_once_the_database_answers(house, impatient):
    impatient.setitem(tasks.WORK, "deliver", failing(1, deliver.deliver))
    impatient.setattr(tasks, "charge", failing(1, tasks.charge))
    house.told(order())
    assert "own database failed" in house.deliver()
    job = Job.objects.get(connection=house.erp, name="deliver")
    assert (job.lease_until, job.attempts, job.failures) == (None, 0, 1)


def test_a_job_is_given_back_also_when_the_database_fails_before_its_work_begins(house, impatient):
    impatient.setattr(tasks, "usable", failing(1, tasks.usable))
    house.told(order())
    assert "own database failed" in house.deliver()
    assert Job.objects.get(connection=house.erp, name="deliver").lease_until is None
    house.deliver()
    assert house.states() == ["done"]


def test_a_job_whose_taking_was_never_confirmed_is_free_again(house, impatient):
    def unconfirmed(job_id):
        assert real(job_id) is not None
        raise OperationalError("server closed the connection unexpectedly")

    real = tasks.take
    impatient.setattr(tasks, "take", unconfirmed)
    with pytest.raises(OperationalError):
        house.deliver()
    assert Job.objects.get(connection=house.erp, name="deliver").lease_until is None


def test_nobody_waits_for_the_database_inside_a_transaction(house, impatient):
    calls = []

    def away():
        calls.append(1)
        raise OperationalError("gone")

    with pytest.raises(OperationalError), transaction.atomic():
        outage.once_it_answers(away)
    assert len(calls) == 1


def test_only_what_this_process_claimed_is_let_go(house):
    house.told(order())
    (claimed,) = claim(house.erp, 1)
    Operation.objects.update(worker="web2:7:1@elsewhere")
    assert outage.let_go(house.erp) == 0
    claimed.refresh_from_db()
    assert claimed.state == "sending"


def test_nothing_is_begun_before_what_lacks_a_tie_is_stored_as_held(house, impatient):
    """Otherwise nobody would store what comes of it, when the database fails at that."""
    begun = []

    def submit(*work):
        begun.append(work)
        return Future()

    impatient.setattr(deliver, "settle", failing(1, deliver.settle))
    house.told(order(1), order(2, 1, location="nowhere"))
    job = Job.objects.get(connection=house.erp, name="deliver")
    sender = deliver.Sender(open_connector(house.erp), SimpleNamespace(submit=submit), Share(job, 1))
    with pytest.raises(OperationalError):
        sender.send(claim(house.erp, 2), Progress(job))
    assert begun == []


@outside_transactions
def test_the_leases_of_what_is_still_on_its_way_are_kept_while_it_is_waited_for(house, impatient):
    kept, answers = [], Event()

    def keep(operations):
        kept.extend(operations)
        answers.set()

    impatient.setattr(outage, "keep_leases", keep)
    impatient.setattr(deliver, "settle", failing(1, deliver.settle))
    house.told(order(1), order(2))
    house.erp_remote.then("push_order", lambda act: act(), lambda act: (answers.wait(5), act())[1])
    house.deliver()
    assert [operation.state for operation in kept] == ["sending"]
    assert house.states() == ["done", "done"]
