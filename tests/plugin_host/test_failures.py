"""What a plugin does wrong in service stands against its name, and the rest goes on."""

import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from portal.connections.services import check_connection
from portal.plugins.failures import culprit, forget
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.sdk.hooks import PluginJob
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Job
from portal.sync.tasks import answer
from tests.toys import ToyErp, ToyShop, fails, order


def leaves():
    sys.exit(3)


def breaks():
    raise KeyError("paper")


@pytest.fixture
def own_job(owned, monkeypatch):
    """Let the plugin `shops` have one job that does what is given; its row."""

    def make(run):
        own = PluginJob("print", "Print labels", timedelta(minutes=1), run)
        monkeypatch.setattr(plugins(), "jobs", lambda: [("shops", own)])
        ensure_jobs()
        return Job.objects.get(name="plugin:shops:print")

    return make


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (breaks, "The job “Print labels” failed: KeyError: 'paper'."),
        (leaves, "The job “Print labels” failed: it called sys.exit(3)."),
    ],
)
def test_a_job_that_raises_or_exits_is_recorded_and_tried_again(owned, own_job, run, said):
    job = own_job(run)
    before = timezone.now()
    assert owned.work(None, job.name) == f"failed: {said}"
    first = Plugin.objects.get(name="shops")
    owned.work(None, job.name)
    again = Plugin.objects.get(name="shops")
    assert (again.failures, again.last_error) == (2, said)
    assert before < first.failing_since == again.failing_since < again.last_failed_at
    job.refresh_from_db()
    assert (job.failures, job.lease_until) == (2, None)


def test_a_job_that_hung_until_its_worker_was_stopped_is_recorded_and_waits_its_turn(own_job):
    begun = []
    job = own_job(lambda: begun.append(1))
    past = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(lease_until=past, due_at=past, failures=3)
    assert "did not come to an end" in answer(job.pk)
    assert begun == []
    assert "longer than 300 s" in Plugin.objects.get(name="shops").last_error
    job.refresh_from_db()
    assert job.due_at > timezone.now() + timedelta(seconds=30)
    Job.objects.filter(pk=job.pk).update(due_at=past)
    answer(job.pk)
    assert begun == [1]


def test_a_long_job_keeps_its_lease_for_longer_than_a_worker_may_take(own_job):
    leases = []
    job = own_job(lambda: leases.append(Job.objects.get(pk=job.pk).lease_until))
    answer(job.pk)
    assert timezone.now() + timedelta(seconds=310) < leases[0] < timezone.now() + timedelta(seconds=340)


def test_a_connector_that_raises_while_it_sends_is_recorded_and_the_order_is_kept(owned, monkeypatch):
    monkeypatch.setattr(ToyErp, "push_order", lambda self, change: {}["number"])
    monkeypatch.setattr(plugins(), "_packages", {"erps": __name__})
    owned.told(order(1))
    owned.deliver()
    assert "KeyError: 'number'" in Plugin.objects.get(name="erps").last_error
    assert owned.operations()[0].state != "done"


def test_a_connector_that_exits_while_it_sends_ends_neither_the_job_nor_the_order(owned, monkeypatch):
    monkeypatch.setattr(ToyErp, "push_order", lambda self, change: leaves())
    monkeypatch.setattr(plugins(), "_packages", {"erps": __name__})
    owned.told(order(1))
    assert "failed" not in owned.deliver()
    assert "it called sys.exit(3)" in Plugin.objects.get(name="erps").last_error
    assert "it called sys.exit(3)" in owned.operations()[0].message


def test_a_connector_that_exits_while_it_reads_is_recorded(owned, monkeypatch):
    monkeypatch.setattr(ToyShop, "pull_order", lambda self, cursor: leaves())
    monkeypatch.setattr(plugins(), "_packages", {"shops": __name__})
    assert "failed: " in owned.work(owned.shop, "pull:order")
    assert Plugin.objects.get(name="shops").failures == 1


def test_a_failing_test_of_a_connection_shows_no_credential_with_the_plugin(owned):
    owned.shop_remote.then("check", fails(ValueError("token shop-token is bad")))
    check_connection(owned.shop)
    assert Plugin.objects.get(name="shops").last_error == "It failed: ValueError: token … is bad."


def test_a_webhook_on_which_the_plugin_breaks_is_answered_503(owned, client, monkeypatch):
    monkeypatch.setattr(ToyShop, "hear", lambda self, webhook, secrets: leaves())
    assert client.post("/hooks/shop/", b"{}", "application/json").status_code == 503
    assert (
        Plugin.objects.get(name="shops").last_error
        == "Hearing a webhook of SHOP failed: it called sys.exit(3)."
    )


def test_what_the_portal_itself_does_wrong_is_laid_to_no_plugin(owned, monkeypatch):
    monkeypatch.setattr("portal.sync.pull.apply_page", lambda *_, **__: {}["ours"])
    owned.shop_remote.feed["order"].append(order(1))
    monkeypatch.setattr(plugins(), "_packages", {"shops": "somewhere.else"})
    assert "failed: " in owned.work(owned.shop, "pull:order")
    assert not Plugin.objects.filter(failures__gt=0).exists()


def test_the_culprit_is_the_plugin_nearest_to_the_error(monkeypatch):
    monkeypatch.setattr(plugins(), "_packages", {"mine": __name__, "near": "tests.plugin_host"})
    with pytest.raises(KeyError) as caught:
        breaks()
    assert culprit(caught.value) == "mine"
    monkeypatch.setattr(plugins(), "_packages", {"short": __name__[:-1]})
    assert culprit(caught.value) == ""


@pytest.mark.django_db
def test_failures_are_counted_anew_once_somebody_has_seen_to_them():
    Plugin.objects.create(name="acme", failures=3, failing_since=timezone.now(), last_error="It failed.")
    forget("acme")
    assert list(Plugin.objects.values_list("failures", "failing_since", "last_error")) == [(0, None, "")]
