"""Job traps: a test sees who would be rung for, and answers in line."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from portal.connections.models import Connection
from portal.plugins.manager import plugins
from portal.sdk import PluginJob
from portal.sync.doors import ring_delivery
from portal.sync.models import Job
from portal.testing.traps import trapped_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def counted(monkeypatch):
    """A plugin's job that counts how often it ran."""
    done = []
    job = PluginJob("count", "Count", timedelta(hours=1), lambda: done.append(1) or "Counted.")
    monkeypatch.setattr(plugins(), "jobs", lambda: [("demoshop", job)])
    return done


@pytest.fixture
def shop():
    row = Connection.objects.create(slug="shop", name="Shop", connector="demoshop")
    Job.objects.create(connection=row, name="deliver", every=60, due_at=timezone.now())
    return row


def test_what_is_due_is_rung_for_and_runs_when_the_test_says_so(counted):
    with trapped_jobs() as trap:
        trap.tick()
    trap.assert_rung("plugin:demoshop:count")
    assert counted == []

    assert ("plugin:demoshop:count", "nothing new") in trap.run("plugin:demoshop:count")
    assert counted == [1]
    trap.assert_not_rung("plugin:demoshop:count")


def test_a_ring_that_waits_for_the_commit_is_caught_too(shop):
    with trapped_jobs() as trap:
        with transaction.atomic():
            ring_delivery(shop)
        assert trap.rings == []
    assert [str(ring) for ring in trap.rings] == ["deliver of Shop"]


def test_nothing_reaches_the_queue_and_any_task_is_caught():
    with trapped_jobs() as trap:
        async_task("builtins.divmod", 7, 2)
    assert trap.names == ["builtins.divmod"]
    assert trap.run() == [("builtins.divmod", "(3, 1)")]


def test_what_was_expected_in_vain_is_told_with_what_came(shop):
    with trapped_jobs() as trap:
        ring_delivery(shop)
    with pytest.raises(AssertionError, match="Nobody rang for inbox; there were deliver of Shop."):
        trap.assert_rung("inbox")
    with pytest.raises(AssertionError, match="Somebody rang for deliver, which ought to wait"):
        trap.assert_not_rung("deliver")
    with trapped_jobs() as nothing:
        pass
    with pytest.raises(AssertionError, match="there were no rings at all"):
        nothing.assert_rung("inbox")


def again():
    async_task("tests.testing.test_traps.again")


def test_jobs_that_ring_for_each_other_without_an_end_are_told(monkeypatch):
    monkeypatch.setattr("portal.testing.traps.MOST_RUNS", 20)
    with trapped_jobs() as trap:
        again()
    with pytest.raises(AssertionError, match="without an end; last for"):
        trap.run()
