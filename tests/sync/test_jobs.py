"""Jobs: due times, leases and rings. Losing, doubling or reordering rings costs time and nothing else."""

import inspect
import os
import signal
import subprocess
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.plugins.manager import plugins
from portal.sdk import PluginJob, PortalError, RetryLater
from portal.sync import tasks
from portal.sync.doors import knock, ring_delivery, ring_pulls
from portal.sync.jobs import ensure_jobs
from portal.sync.lanes import lanes
from portal.sync.leases import LeaseLost, give_back, keep, take
from portal.sync.models import Beat, Event, Flow, Job, Operation, Run
from portal.sync.pump import CANARY_LATE, guard, lead, look, turn
from portal.sync.sweep import sweep
from portal.sync.tasks import answer
from portal.sync.workers import name_of
from tests.toys import fails, order

PAST = timedelta(minutes=10)


def job(connection, name):
    return Job.objects.get(connection=connection, name=name)


@pytest.fixture
def pulling(house):
    """The job that reads the shop's orders, due."""
    pulled = job(house.shop, "pull:order")
    Job.objects.exclude(pk=pulled.pk).update(enabled=False)
    Job.objects.filter(pk=pulled.pk).update(due_at=timezone.now() - PAST, rung_at=None)
    return pulled


def test_a_job_is_taken_once_and_has_its_next_turn_at_once(pulling):
    taken = take(pulling.pk)
    assert take(pulling.pk) is None
    stored = Job.objects.get(pk=pulling.pk)
    assert stored.fence == taken.fence == pulling.fence + 1
    assert timedelta(0) < stored.due_at - timezone.now() <= timedelta(seconds=pulling.every)


def test_a_lapsed_lease_can_be_taken_over_and_the_first_worker_stores_nothing_more(pulling):
    first = take(pulling.pk)
    Job.objects.update(lease_until=timezone.now() - PAST, due_at=timezone.now() - PAST)
    second = take(pulling.pk)
    with pytest.raises(LeaseLost):
        keep(first, cursor="stale")
    give_back(first, cursor="stale")
    keep(second, cursor="fresh")
    stored = Job.objects.get(pk=pulling.pk)
    assert (stored.cursor, stored.lease_until is not None) == ("fresh", True)


def test_what_is_not_due_is_left_alone(pulling, house):
    Job.objects.update(due_at=timezone.now() + PAST)
    assert answer(pulling.pk) == "nothing due"
    assert answer(10**9) == "nothing due"
    assert not [kind for kind, _ in house.shop_remote.cursors if kind == "order"]


def test_a_ring_during_the_work_is_not_lost(house, rings):
    delivery = job(house.erp, "deliver")
    taken = take_due(delivery)
    ring_delivery(house.erp)
    assert answer(delivery.pk) == "nothing due"
    rings.clear()
    give_back(taken)
    tasks._again(taken)
    assert rings == [("portal.sync.tasks.answer", (delivery.pk,))]
    assert take(delivery.pk)


def test_a_job_that_was_rung_for_at_its_work_rings_for_itself_at_its_end(house, pulling, rings):
    def somebody_rings(read):
        ring_pulls(house.shop, ["pull:order"])
        return read()

    house.shop_remote.then("pull_order", somebody_rings)
    rings.clear()
    assert answer(pulling.pk) == "nothing new"
    assert rings == [("portal.sync.tasks.answer", (pulling.pk,))]


def take_due(wanted):
    Job.objects.filter(pk=wanted.pk).update(due_at=timezone.now() - PAST)
    return take(wanted.pk)


def test_a_job_that_fails_comes_back_later_and_later_and_recovers(house, pulling):
    waits = []
    for _ in range(3):
        house.shop_remote.then("pull_order", fails(RetryLater("Busy.")))
        assert house.work(house.shop, "pull:order") == "failed: Busy."
        stored = Job.objects.get(pk=pulling.pk)
        waits.append(stored.due_at - timezone.now())
    assert waits[0] < waits[1] < waits[2]
    assert (stored.failures, stored.last_error) == (3, "Busy.")
    assert Run.objects.filter(job=pulling).first().state == "failed"
    house.work(house.shop, "pull:order")
    stored.refresh_from_db()
    assert (stored.failures, stored.last_error) == (0, "")


def test_a_bug_stops_one_job_with_a_sentence_that_shows_no_credential(house, pulling):
    house.shop_remote.then("pull_order", fails(ValueError("https://x/?token=shop-token")))
    said = house.work(house.shop, "pull:order")
    assert said == "failed: An unforeseen error stopped the job: ValueError: https://x/?token=…"
    assert "shop-token" not in Job.objects.get(pk=pulling.pk).last_error


def test_jobs_follow_from_flows_and_from_what_connectors_can_do(house):
    of_connections = Job.objects.filter(enabled=True, connection__isnull=False)
    names = {(each.connection.slug, each.name) for each in of_connections}
    assert names == {
        *(("shop", f"pull:{kind}") for kind in ("location", "product", "order", "refund")),
        *(("erp", f"pull:{kind}") for kind in ("location", "product", "stock", "shipment")),
        *((slug, name) for slug in ("shop", "erp") for name in (*lanes(4), "check:stock")),
        *(("shop", name) for name in ("inbox", "hooks", "gaps")),
    }


def test_a_job_that_nothing_needs_is_switched_off_and_comes_back_with_its_cursor(house):
    Job.objects.filter(name="pull:refund").update(cursor="7")
    Flow.objects.filter(kind="refund").update(state="draft")
    ensure_jobs()
    assert not job(house.shop, "pull:refund").enabled
    Flow.objects.filter(kind="refund").update(state="live", every=5)
    ensure_jobs()
    again = job(house.shop, "pull:refund")
    assert (again.enabled, again.cursor, again.every) == (True, "7", 5)
    assert again.due_at <= timezone.now()
    ensure_jobs()
    assert Job.objects.filter(name="pull:refund").count() == 1


def test_a_plugins_own_job_is_run_and_its_failure_is_told(house, monkeypatch):
    told = iter(["3 done", PortalError("No paper.")])

    def run():
        said = next(told)
        if isinstance(said, Exception):
            raise said
        return said

    own = PluginJob("print", "Print labels", timedelta(minutes=1), run)
    monkeypatch.setattr(plugins(), "jobs", lambda: [("labels", own)])
    ensure_jobs()
    printing = Job.objects.get(name="plugin:labels:print")
    assert (printing.every, printing.connection) == (60, None)
    house.work(None, printing.name)
    assert house.work(None, printing.name) == "failed: No paper."
    monkeypatch.setattr(plugins(), "jobs", list)
    assert "is not installed any more" in house.work(None, printing.name)


def test_the_sweep_rings_again_for_what_was_lost(house, rings):
    Job.objects.update(due_at=timezone.now() + PAST, rung_at=None)
    house.told(order(1))
    Event.objects.create(
        connection=house.shop, dedupe_key="1", topic="t", kind="order", external_id="o1", body=b""
    )
    Job.objects.update(due_at=timezone.now() + PAST, rung_at=timezone.now() - PAST)
    rings.clear()
    assert sweep() == 2
    assert {pk for _, (pk,) in rings} == {job(house.erp, "deliver").pk, job(house.shop, "inbox").pk}
    assert sweep() == 0, "somebody rang a moment ago"


def test_the_sweep_does_not_ring_for_what_nobody_may_send_now(house, rings):
    house.told(order(1), order(2))
    Operation.objects.filter(label="#1").update(state="held")
    house.told(order(1, 2, note="b"))
    Operation.objects.filter(label="#1", intent=1).update(state="review")
    Flow.objects.filter(kind="order").update(state="live")
    Operation.objects.filter(label="#2").update(due_at=timezone.now() + PAST)
    Job.objects.update(due_at=timezone.now() + PAST)
    assert sweep() == 0


def test_a_connection_that_rests_or_is_switched_off_is_not_rung_for(house, rings):
    Job.objects.filter(connection__isnull=False).update(due_at=timezone.now() - PAST, rung_at=None)
    Job.objects.filter(connection=None).update(due_at=timezone.now() + PAST)
    type(house.erp).objects.filter(pk=house.erp.pk).update(resting_until=timezone.now() + PAST)
    type(house.shop).objects.filter(pk=house.shop.pk).update(enabled=False)
    assert sweep() == 0
    assert answer(job(house.erp, "deliver").pk) == "resting"
    assert answer(job(house.shop, "inbox").pk) == "switched off"
    assert job(house.erp, "deliver").due_at > timezone.now() + PAST / 2


def test_a_queue_that_is_away_loses_nothing(house, monkeypatch):
    monkeypatch.setattr("portal.sync.doors.async_task", lambda *_, **__: 1 / 0)
    Job.objects.update(rung_at=None)
    assert knock([job(house.erp, "deliver").pk]) == 0


def test_tasks_take_integers_only():
    work = [tasks.answer, tasks.canary, tasks.tick]
    for each in work:
        for parameter in inspect.signature(each).parameters.values():
            assert parameter.annotation == "int"
    public = {
        name
        for name, each in vars(tasks).items()
        if inspect.isfunction(each) and each.__module__ == tasks.__name__
    }
    assert {name for name in public if not name.startswith("_")} == {each.__name__ for each in work}


@pytest.fixture
def kills(monkeypatch, db, rings):
    killed = []
    monkeypatch.setattr(os, "killpg", lambda group, number: killed.append((group, number)))
    return killed


@pytest.fixture
def cluster():
    """A process that leads a group of its own, as a cluster's head does."""
    head = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield head
    head.kill()
    head.wait()


def silence(head):
    long_ago = timezone.now() - CANARY_LATE * 1.5
    Beat.objects.update_or_create(name="canary", defaults={"at": long_ago - PAST, "note": f"6 {head}"})
    Beat.objects.update_or_create(name="canary-sent", defaults={"at": long_ago, "note": "7"})


def test_a_canary_is_sent_answered_and_sent_again_later(kills, rings):
    look()
    assert rings == [("portal.sync.tasks.canary", (1,))]
    tasks.canary(1)
    look()
    assert len(rings) == 1
    Beat.objects.update(at=timezone.now() - timedelta(seconds=11))
    look()
    assert rings[-1] == ("portal.sync.tasks.canary", (2,))
    guard()
    assert kills == []


def test_a_cluster_that_stays_silent_is_killed_once_and_asked_again(kills, rings, cluster):
    silence(name_of(cluster.pid))
    guard()
    guard()
    assert kills == [(cluster.pid, signal.SIGKILL)]
    assert rings == [("portal.sync.tasks.canary", (8,))]


def test_a_cluster_is_killed_by_a_pump_that_does_not_lead_too(kills, cluster, monkeypatch):
    silence(name_of(cluster.pid))
    monkeypatch.setattr("portal.sync.pump.lead", lambda: False)
    turn()
    assert kills == [(cluster.pid, signal.SIGKILL)]


def test_a_canary_that_nobody_may_answer_for_is_sent_again(rings, db):
    silence("elsewhere:1:1@other")
    look()
    assert rings == []
    Beat.objects.update(at=timezone.now() - CANARY_LATE * 2)
    look()
    assert rings == [("portal.sync.tasks.canary", (8,))]


def test_a_cluster_at_work_is_not_killed_because_the_canary_has_to_wait(kills, house, cluster, settings):
    silence(name_of(cluster.pid))
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "workers": 2}
    busy = [job(house.shop, "pull:order"), job(house.erp, "deliver")]
    for each in busy:
        take_due(each)
    guard()
    assert kills == []
    Job.objects.filter(pk=busy[0].pk).update(lease_until=None)
    guard()
    assert kills, "one of its two workers is free, and has not answered"


def test_a_cluster_of_another_host_or_our_own_group_is_left_alone(kills):
    for head in ("elsewhere:4242:99@other", name_of(os.getpgid(0))):
        silence(head)
        guard()
    assert kills == []


def test_a_process_that_has_the_number_of_a_dead_cluster_is_left_alone(kills, cluster):
    host, pid, born = name_of(cluster.pid).split(":")
    earlier = str(int(born.partition("@")[0]) - 1)
    silence(f"{host}:{pid}:{earlier}@{born.partition('@')[2]}")
    guard()
    assert kills == []


def test_one_pump_leads_until_its_beat_lapses(db, monkeypatch):
    assert lead()
    assert lead()
    monkeypatch.setattr("portal.sync.pump.os.getpid", lambda: 99)
    assert not lead()
    Beat.objects.update(at=timezone.now() - PAST)
    assert lead()
    monkeypatch.undo()
    assert not lead()
