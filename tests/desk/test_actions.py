"""What the buttons and actions do, as far as the desk is concerned: the engine's own tests say the rest."""

import csv
import io
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from portal.connections.models import Connection, Reference
from portal.records.models import Order, Product
from portal.sdk import Misconfigured
from portal.sync.models import Case, Fact, Flow, Job, Operation
from tests import factories

State = Operation.State


def press(client, row, name, **answers):
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_do", args=[row.pk, name])
    return client.post(address, answers, follow=True).content.decode()


def page(client, row):
    return client.get(
        reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    ).content.decode()


def found(client, model, **query):
    answer = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"), query)
    return list(answer.context["cl"].result_list)


# -- where is order 1042? --


@pytest.mark.parametrize("word", ["1012", "#1012", "o1012", "customer4@example.com", "Zoë"])
def test_an_order_is_found_by_number_id_mail_and_name(world, boss, word):
    order = Order.objects.get(number="#1012")
    order.email, order.customer = "customer4@example.com", "Zoë Ångström"
    order.save()

    assert order in found(boss, Order, q=word)


def test_an_order_is_found_by_sku_and_by_the_number_it_has_in_another_system(world, boss):
    order = Order.objects.exclude(lines=None).first()
    sku = order.lines.first().sku
    Reference.objects.create(
        connection=world[1], kind="shipment", external_id="SO-77", label="SO-77", record_id=order.pk
    )
    Reference.objects.update_or_create(
        connection=world[1],
        kind="order",
        record_id=order.pk,
        defaults={"external_id": "sale-9", "label": "SO-99"},
    )

    assert order in found(boss, Order, q=sku)
    assert found(boss, Order, q="SO-99") == [order]
    assert found(boss, Order, q="sale-9") == [order]
    assert found(boss, Order, q="SO-77") == []


def test_an_order_s_page_tells_its_whole_story_in_time_order(world, boss):
    order = Order.objects.filter(refunds__isnull=False).first()
    text = page(boss, order)

    facts = [fact.text for fact in Fact.objects.filter(kind="order", record_id=order.pk).order_by("at")]
    refund = order.refunds.first()
    told = Fact.objects.filter(kind="refund", record_id=refund.pk).last().text
    places = [text.index(each.replace("'", "&#x27;")) for each in [*facts, told]]
    assert places == sorted(places)
    assert order.data["shipping"]["street"].replace("'", "&#x27;") in text
    assert "as it came" in text


def test_amounts_are_written_in_their_currency_s_own_way(boss):
    shop = factories.shop()
    order = factories.orders(shop, 1)[0]
    Order.objects.filter(pk=order.pk).update(currency="JPY", total_minor=1250)

    listed = boss.get(reverse("admin:records_order_changelist")).content.decode()
    assert "1,250 JPY" in listed
    assert "12.50 JPY" not in listed


def test_what_a_remote_wrote_is_shown_as_text_and_never_as_markup(boss):
    shop = factories.shop()
    order = factories.orders(shop, 1)[0]
    evil = "<script>alert(1)</script>"
    Order.objects.filter(pk=order.pk).update(customer=evil, raw={"note": evil}, number=evil)
    order.lines.update(title=evil, sku=evil)
    Connection.objects.update(health_text=evil)

    for text in (
        page(boss, order),
        page(boss, shop),
        boss.get(reverse("admin:records_order_changelist")).content.decode(),
        boss.get(reverse("admin:index")).content.decode(),
    ):
        assert evil not in text
        assert "&lt;script&gt;" in text


def test_a_tracking_address_that_is_no_web_address_is_no_link(world, boss):
    order = Order.objects.filter(shipments__isnull=False).first()
    shipment = order.shipments.first()
    shipment.data["tracking_url"] = "javascript:alert(1)"
    shipment.save()

    assert "javascript:alert" not in page(boss, order).split("Timeline")[0]


# -- operations --


def test_try_again_makes_it_ready_and_leaves_the_name_in_the_timeline(world, boss):
    operation = Operation.objects.filter(state=State.HELD).first()

    assert "is tried again" in press(boss, operation, "try_again")
    operation.refresh_from_db()
    assert operation.state == State.READY
    assert Fact.objects.filter(operation=operation, text__contains="boss").exists()
    assert LogEntry.objects.filter(change_message__contains="Try again").exists()


def test_cancelling_asks_why_first(world, boss):
    operation = Operation.objects.filter(state=State.HELD).first()

    assert "This field is required" in press(boss, operation, "cancel", reason="")
    operation.refresh_from_db()
    assert operation.state == State.HELD

    press(boss, operation, "cancel", reason="The customer called.")
    operation.refresh_from_db()
    assert operation.state == State.CANCELLED
    assert "The customer called." in operation.message


def test_marking_done_keeps_the_id_and_the_reason(world, boss):
    operation = Operation.objects.filter(state=State.REVIEW).first()

    press(boss, operation, "mark_done", remote_id="S-501", reason="Seen in Tryton.")
    operation.refresh_from_db()
    assert (operation.state, operation.remote_id) == (State.DONE, "S-501")
    assert Reference.objects.filter(
        connection=operation.connection, kind="order", external_id="S-501"
    ).exists()


def test_what_is_ended_offers_no_button_and_is_left_alone_when_pressed_anyway(world, boss):
    operation = Operation.objects.filter(state=State.DONE, kind="order").first()

    assert 'class="desk-buttons"' not in page(boss, operation)
    assert "cannot be tried again now: it is done" in press(boss, operation, "try_again")
    assert "cannot be cancelled now: it is done" in press(boss, operation, "cancel", reason="x")
    assert "ended already" in press(boss, operation, "mark_done", reason="x")


def test_many_are_cancelled_with_one_reason(world, boss):
    chosen = list(
        Operation.objects.filter(state__in=[State.HELD, State.DONE])[:5].values_list("pk", flat=True)
    )
    held = Operation.objects.filter(pk__in=chosen, state=State.HELD).count()
    place, send = (
        reverse("admin:sync_operation_changelist"),
        {"action": "cancel_chosen", "_selected_action": chosen},
    )

    asked = boss.post(place, send).content.decode()
    assert "Why" in asked or "Reason" in asked
    assert not Operation.objects.filter(pk__in=chosen, state=State.CANCELLED).exists()

    boss.post(place, {**send, "asked": "1", "reason": "Twice by mistake."})
    assert Operation.objects.filter(pk__in=chosen, state=State.CANCELLED).count() == held


# -- cases, references --


def test_a_case_is_tried_again_as_a_whole_and_assigned_to_who_presses(world, boss):
    case = Case.objects.get(cause="outcome-unknown")

    assert "This case is yours" in press(boss, case, "assign_to_me")
    number = case.items.filter(resolved_at=None).count()
    assert f"{number} operations are tried again" in press(boss, case, "try_all_again")
    case.refresh_from_db()
    assert (case.owner.username, case.state) == ("boss", Case.State.RESOLVED)


def test_a_case_that_still_holds_something_is_not_resolved_by_a_click(world, boss):
    case = Case.objects.get(cause="missing-product")

    assert "are still held by this case" in press(boss, case, "resolve")
    case.refresh_from_db()
    assert case.state == Case.State.OPEN


def test_an_item_of_a_case_leads_to_the_reference_that_has_to_be_tied(world, boss):
    case = Case.objects.get(cause="unknown-product")
    shop = world[0]

    link = (
        f"/admin/connections/reference/?q=MUG-XL&amp;kind__exact=product&amp;connection__id__exact={shop.pk}"
    )
    assert link.replace("&amp;", "&") in page(boss, case).replace("&amp;", "&")


def test_what_is_not_tied_comes_first(world, boss):
    rows = found(boss, Reference)

    assert [row.label for row in rows[:3]] == ["MUG-XL", "TEA POT", "mug-100"]
    assert all(row.record_id for row in rows[3:])


def test_a_look_alike_is_proposed_when_tying(world, boss):
    reference = Reference.objects.get(label="mug-100")
    mug = Product.objects.get(sku="MUG-100")

    asked = boss.get(reverse("admin:connections_reference_do", args=[reference.pk, "tie"])).content.decode()
    assert f'<option value="{mug.pk}" selected' in asked


def test_tying_releases_what_waited_and_can_be_taken_back(world, boss):
    reference = Reference.objects.get(label="MUG-XL")
    candle = Product.objects.create(
        origin=world[1],
        external_id="x",
        version=1,
        digest="",
        data={},
        sku="MUG-XL",
        folded="mugxl",
        changed_at="2026-01-01T00:00Z",
    )
    waiting = Operation.objects.filter(state=State.HELD, cause="missing-product").count()

    assert f"{waiting} operations that waited for it go on" in press(boss, reference, "tie", record=candle.pk)
    reference.refresh_from_db()
    assert (reference.record_id, reference.state) == (candle.pk, "confirmed")

    assert "is not tied any more" in press(boss, reference, "untie")
    reference.refresh_from_db()
    assert reference.record_id is None


# -- connections, flows, jobs --


def test_test_tells_what_the_remote_said_or_why_it_failed(world, boss, monkeypatch):
    shop = world[0]
    monkeypatch.setattr("plugins.demoshop.connector.DemoShop.check", lambda self: "Kiosk, EUR")
    assert "Demo shop works: Kiosk, EUR" in press(boss, shop, "test")

    def refused(self):
        raise Misconfigured("The shop does not know this token.", mend="Make a new one there.")

    monkeypatch.setattr("plugins.demoshop.connector.DemoShop.check", refused)
    text = press(boss, shop, "test")
    assert "The shop does not know this token. Make a new one there." in text
    shop.refresh_from_db()
    assert shop.health == Connection.Health.BROKEN


def test_subscribing_hands_the_remote_our_address_and_the_newest_secret(world, boss, monkeypatch, settings):
    settings.BASE_URL = "https://portal.example"
    shop, told = world[0], []
    monkeypatch.setattr(
        "plugins.demoshop.connector.DemoShop.subscribe",
        lambda self, url, secret: told.append((url, secret)) or "It tells us.",
    )

    old = shop.webhook_secrets[0]
    said = press(boss, shop, "add_secret", secret="")
    shop.refresh_from_db()
    assert shop.webhook_secrets[1] == old
    assert shop.webhook_secrets[0] not in said
    assert "It tells us." in press(boss, shop, "subscribe")
    assert told == [("https://portal.example/hooks/shop/", shop.webhook_secrets[0])]


def test_reading_now_makes_the_jobs_due(world, boss):
    job = Job.objects.get(connection=world[0], name="pull:order")

    assert "Demo shop is being read now: order, refund." in press(boss, world[0], "read_now")
    before, _ = job.due_at, job.refresh_from_db()
    assert job.due_at < before


def test_a_flow_is_paused_and_resumed_and_offers_only_what_makes_sense(world, boss):
    flow = Flow.objects.get(kind="order")
    text = page(boss, flow)
    assert "/do/pause/" in text
    assert "/do/start/" not in text

    press(boss, flow, "pause")
    flow.refresh_from_db()
    assert flow.state == Flow.State.PAUSED
    assert "/do/resume/" in page(boss, flow)
    assert "is live again" in press(boss, flow, "resume")


# -- CSV --


def rows_of(answer):
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_the_filtered_list_is_exported_whole_in_the_columns_it_shows(world, boss):
    factories.orders(world[0], 80, first=7000)
    place = reverse("admin:records_order_export")

    assert len(rows_of(boss.get(place))) == Order.objects.count() == 120
    some = rows_of(boss.get(place, {"q": "#1012"}))
    assert [row["Number"] for row in some] == ["#1012"]
    assert some[0]["Total"] == "{:.2f} {}".format(*_total("#1012"))
    assert len(rows_of(boss.get(place, {"currency": "GBP"}))) == Order.objects.filter(currency="GBP").count()


def _total(number):
    order = Order.objects.get(number=number)
    return order.total_minor / 100, order.currency


def test_a_cell_is_never_a_formula(boss):
    shop = factories.shop()
    order = factories.orders(shop, 1)[0]
    Order.objects.filter(pk=order.pk).update(customer='=HYPERLINK("http://evil")')

    assert (
        rows_of(boss.get(reverse("admin:records_order_export")))[0]["Customer"]
        == '\'=HYPERLINK("http://evil")'
    )


def test_a_cell_is_the_text_itself_without_the_desk_s_markup(world, boss):
    operation = Operation.objects.filter(state=State.HELD).first()
    Operation.objects.filter(pk=operation.pk).update(message="Tom & Jerry's <b>order</b>")

    row = next(
        row for row in rows_of(boss.get(reverse("admin:sync_operation_export"))) if "Tom" in row["Message"]
    )
    assert row["Message"] == "Tom & Jerry's <b>order</b>"
    assert (row["State"], row["To"]) == ("held", "Tryton")


# -- the dashboard --


def test_the_dashboard_names_what_is_wrong_worst_first(world, boss):
    Connection.objects.filter(slug="erp").update(health="broken", health_text="The key was withdrawn.")
    text = boss.get(reverse("admin:index")).content.decode()

    assert "Something is broken" in text
    assert text.index("Tryton does not work: The key was withdrawn.") < text.index("3 cases need a person.")
    assert "is paused" in text


def test_a_silent_pump_is_seen(world, boss):
    from django.utils import timezone

    from portal.sync.models import Beat

    Beat.objects.filter(name="pump").update(at=timezone.now() - timedelta(minutes=10))
    assert "The pump has been silent for 10 min" in boss.get(reverse("admin:index")).content.decode()


def test_a_demo_says_that_it_is_one_and_production_says_nothing(boss, settings):
    settings.DEMO = True
    assert "This is a demo" in boss.get(reverse("admin:index")).content.decode()
    settings.DEMO = settings.DEBUG = False
    text = boss.get(reverse("admin:index")).content.decode()
    assert "This is a demo" not in text
    assert "Development" not in text
