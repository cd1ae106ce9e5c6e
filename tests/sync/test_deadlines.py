"""A lease outlives every call that is made under it."""

import threading
from datetime import timedelta

from django.utils import timezone

from portal.connections.services import opened
from portal.sync import deadlines
from portal.sync.leases import Heartbeat, take
from portal.sync.models import Job


def test_the_time_limits_of_the_engine_fit_each_other():
    assert deadlines.calls_end_before_leases() == []


def test_a_call_that_may_outlive_its_lease_stops_the_start(monkeypatch):
    monkeypatch.setattr(deadlines, "LONGEST_CALL", 58.0)
    (error,) = deadlines.calls_end_before_leases()
    assert error.id == "portal.E003"
    assert "a call may last 58 s, but the lease of a job only 60 s" in error.msg


def test_a_turn_that_its_worker_would_not_live_to_end_stops_the_start(settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "timeout": 150}
    assert (
        "a turn may take 170 s, but a worker is stopped after 150 s"
        in deadlines.calls_end_before_leases()[0].msg
    )


def test_a_page_of_many_calls_keeps_its_lease(house, monkeypatch):
    monkeypatch.setattr(Heartbeat, "EVERY", -1.0)
    job = Job.objects.get(connection=house.shop, name="pull:order")
    Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
    taken = take(job.pk)
    soon = timezone.now() + timedelta(seconds=3)
    Job.objects.filter(pk=job.pk).update(lease_until=soon)
    with opened(house.shop, Heartbeat(taken)) as connector:
        stranger = threading.Thread(target=connector.pacer.turn)
        stranger.start()
        stranger.join()
        job.refresh_from_db()
        assert job.lease_until == soon, "only the thread that holds the lease touches it"
        connector.pacer.turn()
    job.refresh_from_db()
    assert job.lease_until > soon
