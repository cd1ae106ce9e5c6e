"""A worker that is surely dead holds nothing up; one that nobody can be sure of keeps its lease."""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.sync import workers
from portal.sync.leases import take
from portal.sync.models import Beat, Job, Operation
from portal.sync.outbox import claim
from portal.sync.pump import lead
from portal.sync.sweep import sweep, take_back
from tests.toys import Toy, order

pytestmark = pytest.mark.django_db


@pytest.fixture
def dead():
    """The name of a process that was killed and never buried, which no other process can have."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    name = named(process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield name
    process.wait()


def named(pid):
    return f"web1:{pid}:{workers._born(pid)}{workers.machine()}"


def sent_by(house, name):
    """An order that a worker of this name is sending, and the ERP's delivery that it is at."""
    house.told(order())
    job = take(Job.objects.get(name="deliver", connection=house.erp).pk)
    claim(house.erp, 1)
    Operation.objects.update(worker=name)
    Job.objects.filter(pk=job.pk).update(worker=name)
    return job


def test_what_a_dead_worker_was_sending_is_asked_for_after_the_grace(house, dead):
    sent_by(house, dead)
    assert take_back() == 2
    operation = Operation.objects.get()
    assert (operation.state, operation.cause, operation.lease_until) == ("unknown", "worker-lost", None)
    wait = operation.due_at - timezone.now()
    assert timedelta(seconds=8) < wait <= Toy.grace
    assert not claim(house.erp, 1)


def test_a_dead_workers_job_is_due_at_once_and_says_that_it_was_broken_off(house, dead):
    job = sent_by(house, dead)
    take_back()
    stored = Job.objects.get(pk=job.pk)
    assert stored.lease_until is not None
    assert stored.due_at <= timezone.now()
    assert take(job.pk).fence == job.fence + 1


def test_a_dead_workers_question_may_be_asked_again_at_once(house, dead):
    sent_by(house, dead)
    Operation.objects.update(state="unknown")
    take_back()
    assert [operation.fence for operation in claim(house.erp, 1)] == [2]


def test_a_living_worker_keeps_what_it_has(house):
    sent_by(house, workers.my_name())
    assert take_back() == 0
    assert house.states() == ["sending"]


def test_another_process_under_the_same_id_is_not_the_worker(house):
    host, pid, born = workers.my_name().removesuffix(workers.machine()).split(":")
    sent_by(house, f"{host}:{pid}:{int(born) - 1}{workers.machine()}")
    take_back()
    assert house.states() == ["unknown"]


@pytest.mark.parametrize("name", ["web2:1:1@0123456789ab", "web2:999999", ""])
def test_nobody_is_sure_of_a_worker_elsewhere_or_of_unknown_birth(house, name):
    sent_by(house, name)
    assert take_back() == 0
    assert house.states() == ["sending"]


def test_where_the_machine_tells_nothing_the_lease_runs_out_as_ever(house, dead, monkeypatch):
    sent_by(house, dead)
    monkeypatch.setattr(workers, "machine", lambda: "")
    assert take_back() == 0
    Operation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    sweep()
    assert house.states() == ["unknown"]
    assert workers.my_name().count(":") == 1


def test_a_stopped_worker_is_not_dead(house):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        process.send_signal(signal.SIGSTOP)
        assert workers.surely_dead([named(process.pid)]) == []
    finally:
        process.kill()
        process.wait()


def test_people_read_host_and_process_id():
    assert workers.spoken("web1:4711:123@0123456789ab") == workers.spoken("web1:4711") == "web1:4711"


def test_a_pump_that_is_surely_dead_is_followed_at_once(db, dead):
    Beat.objects.create(name="pump", at=timezone.now(), note=dead)
    assert lead()


def test_a_pump_that_lives_is_not_followed_before_its_time(db):
    Beat.objects.create(name="pump", at=timezone.now(), note=named(os.getppid()))
    assert not lead()
