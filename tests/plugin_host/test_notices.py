"""What plugins are told with `on_…`: after it is committed, at least once, and one that fails holds up nobody."""

from datetime import timedelta
from importlib.metadata import EntryPoint

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.exceptions import TimeoutException

from portal.connections.plugin_switches import switch_for
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.sdk import Misconfigured, OperationDone, RecordApplied, RetryLater, SkipRecord
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Case, Fact, Job, Notice
from portal.sync.notices import listeners
from portal.sync.sweep import sweep
from portal.sync.tell import MOST_ATTEMPTS
from tests.plugin_host.hooked import implement
from tests.toys import line, order, shipment


class Listener:
    """A hook that keeps what it was told, and does what it is given."""

    def __init__(self, *does):
        self.told = []
        self.does = list(does)

    def __call__(self, event):
        self.told.append(event)
        does = self.does.pop(0) if self.does else []
        if isinstance(does, BaseException):
            raise does
        return does


@pytest.fixture
def told(owned, monkeypatch):
    """Let the plugin `shops` be told by a hook; what it keeps. `told.turn()` is a turn of its job."""

    def listen(hook, *does):
        listener = Listener(*does)
        implement(monkeypatch, hook, shops=lambda event: listener(event))
        monkeypatch.setattr("portal.sync.jobs.hooks_of", lambda plugin: hook if plugin == "shops" else "")
        ensure_jobs()
        listener.turn = lambda: owned.work(None, "tell:shops")
        return listener

    return listen


def due():
    """Whatever waits has waited long enough."""
    Notice.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def test_on_record_applied_tells_of_what_came_in_and_of_what_changed(owned, told):
    listener = told("on_record_applied", ["Label 7 is printed."])
    owned.told(order(1))
    assert listener.turn() == "1 told"
    owned.told(order(1, 2, note="b"))
    owned.told(order(1, 2, note="b"))
    listener.turn()
    first, second = listener.told
    assert isinstance(first, RecordApplied)
    assert (first.new, first.subject.kind, first.subject.connection.slug) == (True, "order", "shop")
    assert (second.new, second.subject.record.note) == (False, "b")
    assert first.key != second.key
    assert not Notice.objects.exists()
    assert Fact.objects.filter(
        kind="order", record_id=first.subject.id, text="shops: Label 7 is printed."
    ).exists()


def test_on_operation_done_tells_what_the_remote_has(owned, told):
    listener = told("on_operation_done")
    owned.told(order(1))
    owned.deliver()
    listener.turn()
    (event,) = listener.told
    assert isinstance(event, OperationDone)
    assert (event.kind, str(event.flow), event.label) == ("order", "order: SHOP → ERP", "#1")
    assert event.remote_id == owned.operations()[0].remote_id
    assert event.payload["number"] == "#1"


def test_on_case_opened_tells_of_each_case_once(owned, told):
    listener = told("on_case_opened", ["Told the warehouse."])
    owned.told(order(1, 1, line("NEW")))
    owned.deliver()
    owned.told(order(2, 1, line("NEW")))
    owned.deliver()
    listener.turn()
    (event,) = listener.told
    case = Case.objects.get()
    assert (event.case_id, event.cause, event.connection.slug) == (case.pk, "missing-product", "erp")
    assert event.link == f"/admin/sync/case/{case.pk}/change/"
    assert Fact.objects.filter(kind="case", record_id=case.pk, text="shops: Told the warehouse.").exists()


def test_what_was_rolled_back_is_never_told(owned, told):
    told("on_record_applied")
    with pytest.raises(RuntimeError), transaction.atomic():
        owned.told(order(1))
        assert Notice.objects.exists()
        raise RuntimeError
    assert not Notice.objects.exists()


def test_where_nobody_listens_nothing_is_written_and_nothing_asked(owned, django_assert_num_queries):
    owned.told(order(1))
    assert not Notice.objects.exists()
    with django_assert_num_queries(0):
        assert listeners("on_record_applied") == []


def test_a_hook_that_raises_is_charged_and_told_again_later_and_its_neighbours_now(owned, told):
    listener = told("on_record_applied", ValueError("no paper"))
    owned.told(order(1), order(2))
    assert listener.turn() == "1 to be told again, 1 told"
    waiting = Notice.objects.get()
    assert (waiting.attempts, waiting.begun_at) == (1, None)
    assert waiting.error == "Its hook on_record_applied failed: ValueError: no paper."
    assert Plugin.objects.get(name="shops").last_error == waiting.error
    assert timedelta(seconds=3) < waiting.due_at - timezone.now() <= timedelta(seconds=5)
    listener.turn()
    assert len(listener.told) == 2, "it is not due yet"
    due()
    listener.turn()
    assert listener.told[0].key == listener.told[2].key
    assert not Notice.objects.exists()


def test_sys_exit_in_a_hook_is_an_error_like_any_other(owned, told):
    listener = told("on_record_applied", SystemExit(3))
    owned.told(order(1))
    listener.turn()
    assert "it called sys.exit(3)" in Notice.objects.get().error
    assert Plugin.objects.get(name="shops").failures == 1


def test_what_keeps_failing_is_given_up_with_a_case_and_told_again_when_somebody_says_so(
    owned, told, monkeypatch, capsys
):
    listener = told("on_record_applied", *(ValueError("no paper") for _ in range(MOST_ATTEMPTS)))
    owned.told(order(1))
    for _ in range(MOST_ATTEMPTS + 2):
        due()
        listener.turn()
    assert len(listener.told) == MOST_ATTEMPTS
    assert Notice.objects.get().parked_at is not None
    case = Case.objects.get()
    assert case.title == "The plugin shops could not be told what happened (on_record_applied)"
    assert "plugins retell shops" in case.mend
    monkeypatch.setattr("portal.sync.management.commands.plugins._require", lambda name: None)
    call_command("plugins", "retell", "shops")
    assert capsys.readouterr().out == "Notices that are told to shops again: 1.\n"
    listener.turn()
    assert not Notice.objects.exists()
    case.refresh_from_db()
    assert case.state == "resolved"


@pytest.mark.parametrize(
    "error", [RetryLater("Busy.", after=timedelta(minutes=7)), Misconfigured("No printer.")]
)
def test_what_the_plugin_asks_to_be_told_later_is_never_given_up_nor_charged(owned, told, error):
    listener = told("on_record_applied", error)
    owned.told(order(1))
    Notice.objects.update(attempts=MOST_ATTEMPTS + 3)
    listener.turn()
    waiting = Notice.objects.get()
    assert (waiting.parked_at, waiting.error) == (None, str(error))
    assert waiting.due_at > timezone.now() + timedelta(minutes=6)
    assert not Plugin.objects.filter(failures__gt=0).exists()


def test_what_the_plugin_cannot_take_is_given_up_at_once_with_its_mending_step(owned, told):
    listener = told("on_record_applied", SkipRecord("No address.", mend="Correct the address."))
    owned.told(order(1))
    listener.turn()
    assert Notice.objects.get().parked_at is not None
    assert Case.objects.get().mend.startswith("Correct the address. Then tell it again")


def test_a_case_about_a_plugin_that_fails_is_not_told_to_plugins(owned, told):
    listener = told("on_case_opened", SkipRecord("No."))
    owned.told(order(1, 1, line("NEW")))
    owned.deliver()
    listener.turn()
    assert Case.objects.filter(cause="plugin-hook").exists()
    listener.turn()
    assert len(listener.told) == 1


def test_a_call_that_took_its_worker_with_it_is_charged_and_told_again_later(owned, told):
    listener = told("on_record_applied")
    owned.told(order(1), order(2))
    killer = Notice.objects.earliest("pk")
    soon = timezone.now() + timedelta(minutes=1)
    Notice.objects.filter(pk=killer.pk).update(begun_at=timezone.now(), attempts=1, due_at=soon)
    listener.turn()
    assert [event.key for event in listener.told] == [f"on_record_applied:{killer.pk + 1}"]
    assert "on_record_applied did not come to an end" in Plugin.objects.get(name="shops").last_error
    waiting = Notice.objects.get()
    assert (waiting.pk, waiting.begun_at, waiting.parked_at) == (killer.pk, None, None)


def test_a_hook_that_used_up_the_workers_patience_ends_the_turn_and_the_rest_is_told_next(
    owned, told, monkeypatch
):
    patience = TimeoutException("Task exceeded maximum timeout value (300 seconds)")
    listener = told("on_record_applied", patience)
    owned.told(order(1), order(2))
    monkeypatch.setattr("portal.sync.tell.BUDGET", -1.0)
    assert listener.turn() == "1 to be told again"
    assert "it did not come to an end: Task exceeded" in Plugin.objects.get(name="shops").last_error
    assert Job.objects.get(name="tell:shops").due_at <= timezone.now(), "it comes back for the rest at once"
    assert listener.turn() == "1 told"


def test_an_attempt_is_counted_before_the_call(owned, told):
    seen = []
    listener = told("on_record_applied")
    listener.told = type("Peek", (list,), {"append": lambda self, event: seen.append(Notice.objects.get())})()
    owned.told(order(1))
    listener.turn()
    assert (seen[0].attempts, seen[0].begun_at is not None) == (1, True)


def test_a_line_that_is_no_text_is_charged_and_the_call_is_not_repeated(owned, told):
    listener = told("on_record_applied", [42, "Printed."])
    owned.told(order(1))
    listener.turn()
    assert "returned 42, which is no line of text" in Plugin.objects.get(name="shops").last_error
    assert Fact.objects.filter(text="shops: Printed.").exists()
    assert not Notice.objects.exists()


def test_a_plugin_that_is_switched_off_is_told_everything_when_it_is_on_again(owned, told, rings):
    listener = told("on_record_applied")
    switch("shops", on=False)
    owned.told(order(1))
    assert listener.turn() == "switched off"
    Job.objects.update(rung_at=None)
    rings.clear()
    sweep()
    job = Job.objects.get(name="tell:shops")
    assert (job.pk,) not in [arguments for _, arguments in rings]
    switch("shops", on=True)
    listener.turn()
    assert len(listener.told) == 1


def test_a_plugin_that_is_off_for_one_connection_is_told_of_the_others(owned, told):
    listener = told("on_record_applied")
    switch_for(owned.shop, "shops", on=False)
    owned.told(order(1))
    owned.deliver()
    owned.apply(owned.erp, "shipment", shipment(1))
    listener.turn()
    assert [event.subject.kind for event in listener.told] == ["shipment"]
    switch_for(owned.shop, "shops", on=True)
    listener.turn()
    assert [event.subject.kind for event in listener.told] == ["shipment", "order"]


def test_a_plugin_in_quarantine_is_told_afterwards_what_happened_meanwhile(
    owned, told, monkeypatch, settings
):
    told("on_record_applied")
    source = PluginSource("shops", "shops", "portal-shops", "2", EntryPoint("shops", "shops", GROUP))
    settings.PLUGINS = Admissions((Admission(source, State.QUARANTINED, "It is broken."),))
    monkeypatch.setattr(plugins(), "_modules", {})
    implement(monkeypatch, "on_record_applied")
    owned.told(order(1))
    assert Notice.objects.get().plugin == "shops"


def test_it_is_rung_for_once_what_happened_is_committed_and_holds_up_no_other_page(
    owned, told, rings, django_capture_on_commit_callbacks
):
    told("on_record_applied")
    job = Job.objects.get(name="tell:shops")
    later = timezone.now() + timedelta(hours=1)
    Job.objects.update(due_at=later, rung_at=None)
    rings.clear()
    with django_capture_on_commit_callbacks(execute=True), CaptureQueriesContext(database) as captured:
        owned.told(order(1))
        inside = [each["sql"] for each in captured if "tell:shops" in each["sql"]]
    job.refresh_from_db()
    assert inside == [], "within the transaction the job's row is not touched"
    assert job.due_at < later
    assert ("portal.sync.tasks.answer", (job.pk,)) in rings


def test_the_sweep_rings_for_what_waits(owned, told, rings):
    told("on_record_applied")
    owned.told(order(1))
    Job.objects.update(due_at=timezone.now() + timedelta(hours=1), rung_at=None)
    rings.clear()
    sweep()
    assert (Job.objects.get(name="tell:shops").pk,) in [arguments for _, arguments in rings]


def test_what_is_not_kept_any_more_is_not_told(owned, told):
    listener = told("on_case_opened")
    owned.told(order(1, 1, line("NEW")))
    owned.deliver()
    Case.objects.all().delete()
    assert listener.turn() == "1 gone"
    assert listener.told == []
