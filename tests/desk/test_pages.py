"""Every page of the admin, as far as it can be found from its index."""

import re

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from bench.plans import Explainer
from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.sync.models import Case, Event, Flow, Job, Operation, Run
from tests import factories

MARK = "s3cr3t-mark-7f1c"
OURS = ("connections", "records", "sync")


def lists(*apps):
    return [
        (model, reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        for model in admin.site._registry
        if not apps or model._meta.app_label in apps
    ]


def addresses():
    """The dashboard, every list, its CSV, its first page and that page's history and buttons' questions."""
    yield reverse("admin:index")
    yield reverse("admin:connections_connection_add")
    yield reverse("admin:connections_connection_add") + "?connector=demoshop"
    yield reverse("admin:sync_flow_add")
    for model, place in lists():
        yield place
        row = model._default_manager.first()
        if row is not None:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_history", args=[row.pk])
        if model._meta.app_label in OURS:
            yield f"{place}export/"


def body(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def marked(world):
    """A world whose shop's credentials are a mark that may never be seen."""
    shop, erp = world
    save_connection(shop, {"url": "http://127.0.0.1:1", "token": MARK})
    shop.webhook_secrets = [f"{MARK}-hook"]
    shop.save()
    factories.event(shop, 99, body=f'{{"echo": "{MARK}", "hook": "{MARK}-hook"}}'.encode())
    return shop, erp


@pytest.fixture(params=["boss", "viewer"])
def looking(request, roles, client):
    """Somebody who sees everything, and somebody who may only look."""
    client.force_login(factories.user(request.param, request.param, superuser=request.param == "boss"))
    return client


def test_a_credential_is_on_no_page(marked, looking):
    seen = [place for place in addresses() if MARK.encode() in body(looking.get(place, follow=True))]

    assert seen == []


def test_every_page_opens(world, boss):
    answers = {place: boss.get(place).status_code for place in addresses()}

    assert {place: code for place, code in answers.items() if code != 200} == {}
    assert len(answers) > 60


def test_the_echo_of_a_credential_in_a_webhook_is_blacked_out(marked, boss):
    event = Event.objects.get(dedupe_key="event-99")
    page = boss.get(reverse("admin:sync_event_change", args=[event.pk])).content.decode()

    assert "echo" in page
    assert page.count("(hidden)") == 3  # the token, the webhook secret, the signature's header


def test_nobody_unknown_sees_anything(world):
    stranger = Client()
    for place in addresses():
        answer = stranger.get(place)
        assert answer.status_code == 302, place
        assert answer["Location"].startswith(reverse("admin:login")), place


def test_somebody_without_a_role_sees_no_list_and_is_told_whom_to_ask(world, client, db):
    client.force_login(factories.user("newcomer"))

    assert {client.get(place).status_code for _, place in lists()} == {403}
    page = client.get(reverse("admin:index")).content.decode()
    assert "Ask an administrator to give you a role" in page
    assert "Tryton" not in page


@pytest.mark.parametrize("place", [place for _, place in lists(*OURS)])
def test_an_empty_list_says_what_to_do(boss, place):
    page = boss.get(place).content.decode()

    said = re.search(r'class="desk-nothing">.*?</div>', page, re.DOTALL)
    assert said, place
    assert len(re.findall(r"<p>[^<]{20,}</p>", said.group())) == 1


def test_a_list_that_the_search_empties_says_so(world, boss):
    page = boss.get(reverse("admin:records_order_changelist") + "?q=nobody-has-this").content.decode()

    assert "Nothing matches" in page
    assert "Clear search and filters" in page


def test_an_empty_dashboard_leads_to_the_first_connection(boss):
    page = boss.get(reverse("admin:index")).content.decode()

    assert "Start here" in page
    assert "Orders today" not in page, "what is empty anyway does not stand in the way"
    assert reverse("admin:connections_connection_add") in page
    assert "Nothing needs you" not in page, "with nothing connected that would be no comfort"


GROWING = [
    "order",
    "shipment",
    "refund",
    "operation",
    "case",
    "reference",
    "event",
    "run",
    "attempt",
    "fact",
    "stocklevel",
    "job",
]


@pytest.fixture
def grown(world):
    """Puts more of everything into the world."""

    def grow(number):
        shop, erp = world
        route = Flow.objects.get(kind="order")
        rows = factories.orders(shop, number, first=5000)[-number:]
        job = Job.objects.first()
        for at, row in enumerate(rows):
            made = factories.operation(route, row, Operation.State.HELD)
            factories.case(erp, f"cause-{at}", [made])
            factories.shipment(row, erp, f"T{at}")
            factories.refund(row)
            factories.run(job)
            factories.event(shop, 1000 + at)
            factories.job(erp, f"plugin:{at}")
            factories.untied(shop, f"SKU-{at}")

    return grow


def test_a_list_costs_the_same_queries_for_ten_rows_and_for_a_hundred(
    boss, grown, django_assert_num_queries, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost():
        found = {}
        for model, place in lists(*OURS):
            with CaptureQueriesContext(connection) as queries:
                boss.get(place, {"all": ""})
            found[model._meta.model_name] = len(queries)
        with CaptureQueriesContext(connection) as queries:
            boss.get(reverse("admin:index"))
        found["dashboard"] = len(queries)
        return found

    few = cost()
    grown(60)
    many = cost()

    assert many == few
    assert max(few.values()) <= 22, few


def test_a_connection_whose_plugin_is_gone_still_opens_and_says_so(boss):
    lost = factories.shop(slug="lost", connector="uninstalled")

    page = boss.get(reverse("admin:connections_connection_change", args=[lost.pk])).content.decode()
    assert "No installed plugin brings “uninstalled”" in page
    assert boss.get(reverse("admin:connections_connection_changelist")).status_code == 200


def test_nothing_the_engine_writes_can_be_edited_here(world, boss):
    for model in (Operation, Case, Run, Event, Job):
        row = model.objects.first()
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        assert boss.get(reverse(f"admin:{name}_add")).status_code == 403
        assert boss.get(reverse(f"admin:{name}_delete", args=[row.pk])).status_code == 403
        assert boss.post(reverse(f"admin:{name}_change", args=[row.pk]), {}).status_code == 403
    assert Connection.objects.count() == 2


def test_orders_of_one_state_are_counted_and_listed_by_an_index(boss, world):
    """Without one the database reads each order to its end, the remote's own words in it."""
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
    explainer = Explainer([])
    with database.execute_wrapper(explainer):
        boss.get(reverse("admin:records_order_changelist"), {"state__exact": "cancelled"})
    plans = ["\n".join(plan) for sql, plan in explainer.plans.items() if '"records_order"."state" =' in sql]
    assert len(plans) >= 2
    for plan in plans:
        assert "orders_by_state" in plan, plan
