"""What needs Dummy's tables and the portal's pages."""

from datetime import UTC, datetime, timedelta

import portal_dummy
import pytest
from django.urls import reverse
from portal_dummy import jobs, notes, surfaces
from portal_dummy.models import Note
from portal.sdk import (
    CaseOpened,
    ConnectionInfo,
    FlowInfo,
    OperationDone,
    RecordApplied,
    Subject,
    WebhookHeard,
)
from test_contract import ORDER

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP, ERP = (ConnectionInfo(slug, slug.upper(), "dummy") for slug in ("shop", "erp"))
SUBJECT = Subject("order", 7, SHOP, ORDER)


def test_what_it_is_told_twice_it_notes_once():
    event = RecordApplied("k1", NOON, True, SUBJECT)
    assert portal_dummy.on_record_applied(event) == ["Dummy saw that it came."]
    assert portal_dummy.on_record_applied(event) == []
    assert [str(each) for each in Note.objects.all()] == ["Dummy saw that it came."]


def test_it_notes_operations_cases_and_webhooks_too():
    flow = FlowInfo("order", SHOP, ERP)
    portal_dummy.on_operation_done(OperationDone("k1", NOON, flow, "order", 7, "1001", "D-1", {}, {}))
    portal_dummy.on_case_opened(
        CaseOpened("k2", NOON, 3, "missing-product", "A mug is missing", "Tie it.", "/")
    )
    portal_dummy.on_webhook(WebhookHeard("k3", NOON, ERP, "parcel.sent", "7", b"{}"))
    told = {str(each) for each in Note.objects.all()}
    assert told == {
        "Dummy saw that ERP has it as D-1.",
        "Dummy saw a case: A mug is missing",
        "Dummy heard parcel.sent of 7.",
    }


def test_the_panel_shows_the_notes_of_its_record_and_the_action_adds_one():
    assert surfaces.note_it(subject=SUBJECT, by="anna") == "Dummy has noted this order."
    notes.note("other", "Of another.", kind="order", record_id=8)
    _, table = surfaces.show_notes(subject=SUBJECT)
    assert [text for _, text in table.rows] == ["Noted by anna."]


def test_the_tile_counts_today_s_notes():
    notes.note("now", "Just now.")
    notes.note("old", "Long ago.", at=NOON - timedelta(days=900))
    (figure,) = surfaces.show_today()
    assert (figure.value, figure.link) == (1, "/plugins/dummy/notes/")


def test_old_notes_are_removed_a_few_at_a_time():
    for number in range(3):
        notes.note(f"k{number}", "Old.", at=NOON)
    assert [notes.purge(before=NOON + timedelta(days=1), most=2) for _ in range(2)] == [2, 1]


def test_the_jobs_say_what_they_did():
    class There:
        def check(self):
            return "Dummy 3.1 answers."

    assert jobs.greet(connector=There(), connection=ERP) == "Dummy 3.1 answers."
    assert jobs.count() == "1 notes are kept."


def test_staff_see_the_notes_on_a_page_and_in_a_list(admin_client):
    notes.note("k1", "A <b>bold</b> note.")
    for place in ("dummy:notes", "admin:portal_dummy_note_changelist"):
        assert "A &lt;b&gt;bold&lt;/b&gt; note." in admin_client.get(reverse(place)).content.decode()


def test_the_public_page_asks_for_the_token(client):
    assert client.get(reverse("dummy:status")).status_code == 403
    assert client.get(reverse("dummy:notes")).status_code == 302
