"""Backfills on the desk: asked for by the day, watched, paused and stopped."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.connections.budget import Turns
from portal.connections.models import Connection
from portal.connections.services import note_trouble
from portal.desk.screens.backfills import moments
from portal.records.trouble import Trouble
from portal.sdk import Misconfigured, RetryLater
from portal.sync import backfill
from portal.sync.cases import open_cases
from portal.sync.health import OPEN_AFTER
from portal.sync.models import Backfill, Case, Flow, Operation

LIST = "admin:sync_backfill_changelist"
pytestmark = pytest.mark.django_db


def page(client, row):
    model = row._meta
    return client.get(
        reverse(f"admin:{model.app_label}_{model.model_name}_change", args=[row.pk])
    ).content.decode()


def press(client, row, name, **answers):
    model = row._meta
    address = reverse(f"admin:{model.app_label}_{model.model_name}_do", args=[row.pk, name])
    return client.post(address, answers, follow=True).content.decode()


def made(client, what, first, last):
    asked = {"what": what, "first_day": first, "last_day": last}
    return client.post(reverse("admin:sync_backfill_add"), asked, follow=True).content.decode()


def test_an_empty_list_says_what_a_backfill_is_for(boss):
    said = boss.get(reverse(LIST)).content.decode()
    assert "Nothing was read again yet. Add a backfill when records of some days are missing" in said


def test_staff_choose_what_and_which_days(boss, world, settings):
    shop, _ = world
    settings.TIME_ZONE = "Europe/Vienna"
    form = boss.get(reverse("admin:sync_backfill_add")).content.decode()
    assert "orders of Demo shop → Tryton" in form
    assert "shipments of Tryton → Demo shop" in form
    assert "shipments of Demo shop" not in form, "it cannot be read for them"
    said = made(boss, f"{shop.pk}:order", "2026-10-25", "2026-10-25")
    row = Backfill.objects.first()
    assert row.since == datetime(2026, 10, 24, 22, tzinfo=UTC)
    assert row.until - row.since == timedelta(hours=25), "that day the clocks went back"
    assert (row.asked_by, row.state) == ("boss", "waiting")
    assert "25 Oct 2026" in said
    assert "boss asked for it." in page(boss, row)


def test_a_day_of_23_hours_ends_at_its_midnight_too(settings):
    settings.TIME_ZONE = "Europe/Vienna"
    since, until = moments(date(2026, 3, 29), date(2026, 3, 29))
    assert until - since == timedelta(hours=23)


def test_a_span_that_ends_before_it_begins_is_not_taken(boss, world):
    shop, _ = world
    assert "The last day must not be before the first." in made(
        boss, f"{shop.pk}:order", "2026-10-25", "2026-10-24"
    )
    assert Backfill.objects.count() == 1, "the one there was"


def test_a_flow_is_read_again_by_its_button(boss, world):
    flow = Flow.objects.get(kind="order")
    Flow.objects.update(start_at=timezone.now())
    said = press(boss, flow, "backfill", first_day="2026-11-01", last_day="2026-11-03")
    assert "are read again; see Backfills" in said
    assert "this flow leaves it alone" in said
    row = Backfill.objects.first()
    assert (row.connection, row.kind) == (flow.source, "order")
    stock = Flow.objects.get(kind="stock")
    assert "/do/backfill/" not in page(boss, stock), "figures of stock have no day"


@pytest.mark.usefixtures("world")
def test_how_far_it_is_and_when_it_ends_is_shown(boss):
    row = Backfill.objects.get()
    Backfill.objects.update(
        state="running",
        done=300,
        total=1200,
        going_since=timezone.now() - timedelta(minutes=2),
        counts={"new": 7},
    )
    said = page(boss, row)
    assert "300 of 1200" in said
    assert "in 5 min" in said or "in 6 min" in said
    assert 'hx-trigger="every 5s' in said
    Backfill.objects.update(total=None)
    said = page(boss, row)
    assert "300 read" in said
    assert "not known" in said


def test_it_is_paused_resumed_and_stopped_by_those_who_may(boss, as_role, world):
    shop, _ = world
    row = backfill.ask(shop, "order", timezone.now() - timedelta(days=3), timezone.now(), by="boss")
    assert "can go on where it is" in press(boss, row, "pause")
    assert "it goes on in a moment" in press(boss, row, "resume")
    assert "what was read stays" in press(boss, row, "stop")
    assert "It is stopped; look at it again." in press(boss, row, "pause")
    viewer = as_role("viewer")
    assert "This backfill is stopped" in page(viewer, row)
    assert viewer.post(reverse("admin:sync_backfill_do", args=[row.pk, "stop"])).status_code == 403
    assert viewer.get(reverse("admin:sync_backfill_add")).status_code == 403


def test_an_operator_may_ask_for_one(as_role, world):
    shop, _ = world
    made(as_role("operator"), f"{shop.pk}:refund", "2026-11-01", "2026-11-02")
    assert Backfill.objects.first().kind == "refund"


def test_what_is_missing_is_fetched_from_its_case(boss, world):
    shop, _ = world
    gap = Trouble(
        cause="gap-order", key="g", title="Some orders did not come in", mend="Press it.", label="then",
        subject=f"gap:{shop.pk}:order:2026-11-01T10:00:00+00:00/2026-11-01T10:02:00+00:00", message="1 missing.",
    )  # fmt: skip
    open_cases(shop, [gap], timezone.now())
    case = Case.objects.get(key="g")
    assert "Try all again" not in page(boss, case)
    assert "is read again for 1 stretches of time" in press(boss, case, "fetch_missing")
    row = Backfill.objects.first()
    assert (row.since.minute, row.until.minute, row.kind) == (0, 2, "order")
    assert "All of it is being read again already" in press(boss, case, "fetch_missing")


# -- what a connection that cannot be used holds up --


def test_what_waits_for_a_connection_that_is_down_says_so(boss, world):
    _, erp = world
    note_trouble(erp, Misconfigured("The key was refused."))
    waiting = Operation.objects.filter(connection=erp, state="ready").first()
    since = timezone.localtime(Connection.objects.get(pk=erp.pk).health_since)
    said = f"waits for Tryton, down since {since:%H:%M}"
    assert said in page(boss, waiting)
    assert (
        said in boss.get(reverse("admin:sync_operation_changelist") + "?state__exact=ready").content.decode()
    )
    held = Operation.objects.filter(connection=erp, state="held").first()
    assert said not in page(boss, held), "it waits for a person"
    flows = boss.get(reverse("admin:sync_flow_changelist")).content.decode()
    assert said in flows
    assert flows.count("desk-flow-waits") == 3, "the fourth is paused"
    assert "It waits for Tryton" in page(boss, Flow.objects.get(kind="order"))


def test_a_working_connection_holds_up_nothing(boss, world):
    assert "waits for" not in boss.get(reverse("admin:sync_flow_changelist")).content.decode()


def test_a_connections_page_says_until_when_its_calls_wait_and_why(boss, world):
    shop, erp = world
    assert "as many as there is work for" in page(boss, shop)
    Connection.objects.update(calls_per_second=2)
    assert "2 calls a second, by all workers and hosts together" in page(boss, shop)
    Turns(shop).rest(timedelta(seconds=50), "Demo shop asks us to slow down (HTTP 429).")
    until = timezone.localtime() + timedelta(seconds=50)
    said = page(boss, shop)
    assert f"waiting until {until:%H:%M}" in said
    assert "Demo shop asks us to slow down (HTTP 429)." in said
    Connection.objects.filter(pk=erp.pk).update(failures=OPEN_AFTER)
    note_trouble(erp, RetryLater("Tryton cannot be reached.", whole_connection=True))
    assert "it rests after failing." in page(boss, erp)
    assert "one call alone is tried" in page(boss, erp)


def test_staff_may_set_a_rate(boss, world):
    shop, _ = world
    address = reverse("admin:connections_connection_change", args=[shop.pk])
    fields = {"name": "Demo shop", "slug": "shop", "enabled": "on", "calls_per_second": "0.5"}
    boss.post(address, {**fields, "setting_url": "http://127.0.0.1:8001", "setting_token": ""})
    shop.refresh_from_db()
    assert shop.calls_per_second == 0.5
    assert "30 calls a minute" in page(boss, shop)
