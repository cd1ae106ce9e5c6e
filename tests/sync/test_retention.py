"""What is old goes, bite by bite; what anything still hangs on stays, whatever its age."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.plugins.manager import plugins
from portal.records.models import Order
from portal.sdk import SkipRecord
from portal.sdk.contributions import Retention
from portal.sync import retention
from portal.sync.jobs import ensure_jobs
from portal.sync.mending import cancel_operations
from portal.sync.models import Attempt, Case, CaseItem, Event, Fact, Job, Operation, Run
from portal.sync.tasks import answer
from tests.toys import fails, order

LONG_AGO = timezone.now() - timedelta(days=3000)


@pytest.fixture(autouse=True)
def _keep(settings):
    settings.KEEP = dict.fromkeys(("raw", "log", "operations", "facts"), timedelta(days=100))


def aged():
    """Everything happened long ago."""
    Order.objects.update(changed_at=LONG_AGO)
    Event.objects.update(received_at=LONG_AGO)
    Operation.objects.update(created_at=LONG_AGO)
    Operation.objects.exclude(finished_at=None).update(finished_at=LONG_AGO)
    Attempt.objects.update(started_at=LONG_AGO)
    Run.objects.update(started_at=LONG_AGO)
    Case.objects.exclude(resolved_at=None).update(resolved_at=LONG_AGO)
    Fact.objects.update(at=LONG_AGO)


def removed():
    return {line.title: line.count for line in retention.clean_up() if line.count}


def versions(house, *states):
    for number, state in enumerate(states, start=1):
        house.told(order(1, number, state=state))
        house.deliver()


def test_replaced_operations_go_and_the_newest_of_each_record_stays(house):
    versions(house, "open", "cancelled")
    house.told(order(2))
    house.deliver()
    aged()
    assert removed()["replaced operations"] == 1
    assert [operation.op_key for operation in house.operations()] == ["order:shop:o1:2", "order:shop:o2:1"]


def test_after_it_a_record_that_comes_again_causes_nothing_and_a_change_is_numbered_on(house):
    versions(house, "open", "cancelled")
    aged()
    removed()
    house.told(order(1, 3, state="cancelled"))
    assert len(house.operations()) == 1
    house.told(order(1, 4, state="open", note="Changed."))
    assert house.operations()[-1].op_key == "order:shop:o1:3"


def test_what_a_person_gave_up_long_ago_is_not_sent_when_its_record_comes_again(house):
    house.told(order(1))
    cancel_operations([house.operations()[0].pk], "Ann", "A test order.")
    aged()
    removed()
    Order.objects.update(digest="")
    house.told(order(1, 2))
    assert house.states() == ["cancelled"]


def test_the_last_that_was_done_stays_while_a_newer_one_is_under_way(house):
    versions(house, "open")
    house.erp_remote.then("push_order", fails(SkipRecord("No.")))
    versions(house, "open", "cancelled")
    aged()
    removed()
    assert house.states() == ["done", "held"]


def test_raw_payloads_are_emptied_and_nothing_else_of_the_record(house):
    versions(house, "open")
    before = Order.objects.values("data", "digest", "total_minor").get()
    assert Order.objects.get().raw
    aged()
    assert removed()["the source's own words of orders"] == 1
    assert Order.objects.get().raw == {}
    assert Order.objects.values("data", "digest", "total_minor").get() == before
    assert "the source's own words of orders" not in removed(), "once is enough"


def test_webhooks_go_but_for_those_that_wait(house):
    for name, state in (("a", "done"), ("b", "new")):
        Event.objects.create(
            connection=house.shop, dedupe_key=name, topic="order.changed", body=b"{}", state=state
        )
    aged()
    removed()
    assert Event.objects.get().state == "new"
    assert bytes(Event.objects.get().body) == b"{}"


def test_bodies_go_before_their_webhooks_do(house, settings):
    settings.KEEP["log"] = timedelta(days=9000)
    Event.objects.create(connection=house.shop, dedupe_key="a", topic="t", body=b"{}", state="done")
    aged()
    assert removed() == {"bodies of webhooks": 1}
    assert Event.objects.get().dedupe_key == "a"


def test_open_cases_and_their_operations_stay_and_resolved_cases_go(house):
    house.told(order(1, total="99.00"))
    house.told(order(2))
    resolved = Case.objects.create(
        key="x",
        cause="x",
        title="x",
        opened_at=LONG_AGO,
        seen_at=LONG_AGO,
        state="resolved",
        resolved_at=LONG_AGO,
    )
    CaseItem.objects.create(case=resolved, subject="x", label="x", message="x", seen_at=LONG_AGO)
    aged()
    assert removed()["resolved cases"] == 1
    assert Case.objects.get().state == "open"
    assert house.states() == ["held", "ready"]


def test_zero_days_is_for_ever(house, settings):
    versions(house, "open", "cancelled")
    settings.KEEP = dict.fromkeys(settings.KEEP, timedelta(0))
    aged()
    assert removed() == {}
    assert {line.count for line in retention.forecast()} <= {0, None}


def test_what_is_young_stays(house):
    versions(house, "open", "cancelled")
    assert removed() == {}


def test_a_dry_run_tells_the_same_and_touches_nothing(house, capsys):
    versions(house, "open", "cancelled")
    aged()
    call_command("retention", "--dry-run")
    said = capsys.readouterr().out
    assert "1  replaced operations, kept 100 days" in said
    assert Operation.objects.count() == 2
    call_command("retention")
    assert Operation.objects.count() == 1


def test_what_stays_among_the_old_is_looked_at_once_and_not_by_every_bite(
    house, monkeypatch, django_assert_max_num_queries
):
    monkeypatch.setattr(retention, "BITE", 2)
    Run.objects.bulk_create(Run(job=Job.objects.first(), state="done", started_at=LONG_AGO) for _ in range(7))
    bites = []
    [line] = [line for line in retention.clean_up(lambda: bites.append(1)) if line.title == "runs of jobs"]
    assert line.count == 7
    assert len(bites) == 4


@pytest.mark.parametrize("rule", retention.RULES, ids=lambda rule: rule.name)
def test_no_rule_joins_tables_because_a_planner_would_begin_at_the_wrong_one(rule):
    assert " JOIN " not in str(rule.old(LONG_AGO).query)


def test_tries_of_what_is_open_stay(house):
    house.told(order(1), order(2))
    house.erp_remote.then("push_order", fails(SkipRecord("No.")))
    house.deliver()
    assert sorted(house.states()) == ["done", "held"]
    aged()
    assert removed()["tries of ended operations"] == 1
    assert Attempt.objects.get().operation.state == "held"


def test_the_job_stops_when_its_time_is_up_and_comes_back(house, monkeypatch):
    monkeypatch.setattr(retention, "BITE", 2)
    monkeypatch.setattr(retention, "BUDGET", -1)
    ensure_jobs()
    job = Job.objects.get(name="retention")
    Run.objects.bulk_create(Run(job=job, state="done", started_at=LONG_AGO) for _ in range(5))
    answer(job.pk)
    assert Run.objects.filter(started_at=LONG_AGO).count() == 3
    job.refresh_from_db()
    assert job.due_at - timezone.now() < timedelta(minutes=2)
    monkeypatch.setattr(retention, "BUDGET", 100)
    Job.objects.update(due_at=LONG_AGO)
    assert answer(job.pk) == "3 runs of jobs"


def test_plugins_remove_their_own(house, monkeypatch):
    asked = []

    def purge(*, before, most):
        asked.append((before, most))
        return most if len(asked) == 1 else 3

    own = Retention("labels", "Printed labels", timedelta(days=10), purge)
    monkeypatch.setattr(plugins(), "brought", lambda cls: [("acme", own)] if cls is Retention else [])
    assert removed() == {"Printed labels": retention.BITE + 3}
    assert timedelta(days=9) < timezone.now() - asked[0][0] < timedelta(days=11)
