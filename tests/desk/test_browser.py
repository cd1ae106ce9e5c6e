"""What people see, in a real browser, on a desk and on a phone. Screenshots are kept in
test-results/desk/ (or where `--output` says)."""

from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from portal.connections.budget import Turns
from portal.connections.models import Connection, Reference
from portal.connections.services import note_trouble
from portal.desk.roles import create_roles
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.models import Plugin
from portal.plugins.switches import note_installed
from portal.records.models import Order, Product, Refund, Shipment, StockLevel
from portal.sdk import Misconfigured
from portal.sync import quarantine
from portal.sync.models import Backfill, Case, Event, Flow, Job, Operation, Run
from tests import factories

WIDTHS = {"desk": 1440, "phone": 390}


def pages():
    """Name and address of each page that is looked at."""

    def row(model, **wanted):
        found = model.objects.filter(**wanted).first()
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[found.pk])

    def do(model, name, **wanted):
        found = model.objects.filter(**wanted).first()
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_do", args=[found.pk, name])

    yield "dashboard", reverse("admin:index")
    for model in (
        Case,
        Operation,
        Order,
        Shipment,
        Refund,
        Product,
        StockLevel,
        Connection,
        Flow,
        Reference,
        Job,
        Run,
        Backfill,
        Event,
        Plugin,
    ):
        yield (
            f"list-{model._meta.model_name}",
            reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
        )
    yield "order", row(Order, refunds__isnull=False)
    yield "product", row(Product)
    yield "operation", row(Operation, state="review")
    yield "case", row(Case)
    yield "connection", row(Connection, slug="shop")
    yield "retire-webhook-secret", do(Connection, "retire_secret", slug="shop")
    yield "flow", row(Flow, kind="order")
    yield "reference", row(Reference, record_id=None)
    yield "backfill", row(Backfill)
    yield "add-backfill", reverse("admin:sync_backfill_add")
    yield "backfill-a-flow", do(Flow, "backfill", kind="order")
    yield "job", row(Job, failures__gt=0)
    yield "event", row(Event)
    yield "choose-connector", reverse("admin:connections_connection_add")
    yield "add-connection", reverse("admin:connections_connection_add") + "?connector=tryton"
    yield "plugin", row(Plugin, name="tryton")
    yield "add-flow", reverse("admin:sync_flow_add")
    yield "tie", do(Reference, "tie", record_id=None)
    yield "mark-done", do(Operation, "mark_done", state="review")
    yield "search-empty", reverse("admin:records_order_changelist") + "?q=nobody"
    yield "users", reverse("admin:auth_user_changelist")
    yield "user", reverse("admin:auth_user_add")
    yield "schedule", reverse("admin:django_q_schedule_changelist")


@pytest.fixture(scope="session")
def shots(pytestconfig):
    place = Path(pytestconfig.getoption("--output")) / "desk"
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture
def told(page):
    """What the browser complains of while the test runs."""
    said = []
    page.on("console", lambda message: message.type in ("error", "warning") and said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "requestfailed", lambda request: _broke(request) and said.append(f"{request.url}: {request.failure}")
    )
    page.on("response", lambda answer: answer.status >= 400 and said.append(f"{answer.status} {answer.url}"))
    page.on(
        "request", lambda request: _foreign(request.url) and said.append(f"left the house: {request.url}")
    )
    return said


def _broke(request):
    # A search that is typed on is given up for the next one.
    return request.failure != "net::ERR_ABORTED"


def _foreign(url):
    return urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname not in (
        "localhost",
        "127.0.0.1",
    )


@pytest.fixture
def inside(live_server, page):
    """Signed in to a portal in the middle of its day."""
    create_roles()
    factories.world()
    sign_in(page, live_server.url, factories.user("boss", superuser=True))
    return live_server.url


def sign_in(page, portal, person):
    client = Client()
    client.force_login(person)
    page.context.add_cookies(
        [
            {
                "name": settings.SESSION_COOKIE_NAME,
                "value": client.cookies["sessionid"].value,
                "url": portal,
            }
        ]
    )


@pytest.mark.parametrize("screen", WIDTHS)
def test_every_page_is_whole_quiet_and_fits(inside, page, told, shots, screen):
    wide = look_at(page, inside, pages(), shots, screen)

    assert told == []
    assert wide == {}


def look_at(page, portal, pages, shots, screen):
    """Keep a picture of each page. Returns those that are wider than the screen, with their width."""
    page.set_viewport_size({"width": WIDTHS[screen], "height": 900})
    wide = {}
    for name, address in pages:
        page.goto(portal + address)
        page.wait_for_load_state("networkidle")
        needed, given = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        if needed > given:
            wide[name] = needed
        page.screenshot(path=shots / f"{screen}-{name}.png", full_page=True)
    return wide


REASON = (
    "The plugin acme 1.2.0 (portal-acme) is in quarantine: it failed while it was imported as a Django app "
    "(ModuleNotFoundError: No module named 'acme_client.transport.retrying')."
)


@pytest.mark.parametrize("screen", WIDTHS)
def test_an_empty_portal_and_a_plugin_that_is_left_out_look_well_too(
    live_server, page, told, shots, screen, settings
):
    source = PluginSource(
        "acme", "portal_acme", "portal-acme", "1.2.0", EntryPoint("acme", "portal_acme", GROUP)
    )
    settings.PLUGINS = Admissions((*settings.PLUGINS.decided, Admission(source, State.QUARANTINED, REASON)))
    boss = factories.user("boss", superuser=True)
    note_installed(["acme"])
    Plugin.objects.filter(name="acme").update(
        failures=12, last_error="The job “Tidy” failed: KeyError: 'id'."
    )
    sign_in(page, live_server.url, boss)
    left_out = reverse("admin:portal_plugins_plugin_change", args=[Plugin.objects.get(name="acme").pk])
    wanted = {
        "start-here": reverse("admin:index"),
        "list-plugin": reverse("admin:portal_plugins_plugin_changelist"),
        "plugin-left-out": left_out,
        "list-empty": reverse("admin:records_order_changelist"),
    }
    assert look_at(page, live_server.url, wanted.items(), shots, screen) == {}
    assert told == []


def test_dark_is_readable_too(inside, page, told, shots):
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(inside + reverse("admin:index"))
    page.screenshot(path=shots / "dark-dashboard.png", full_page=True)

    shade = page.locator(".desk-panel").first.evaluate("each => getComputedStyle(each).backgroundColor")
    lightness = page.locator(".desk-panel h2").first.evaluate("each => getComputedStyle(each).color")
    assert shade != lightness
    assert page.locator("html.dark").count() == 1
    assert told == []


def test_the_dashboard_renews_itself(inside, page, told):
    page.clock.install()
    page.goto(inside + reverse("admin:index"))
    assert page.locator(".desk-tile b").first.inner_text() != "999"
    Connection.objects.filter(slug="erp").update(health="broken", health_text="Wrong key.")
    page.clock.fast_forward(16_000)

    page.get_by_text("Tryton does not work: Wrong key.").wait_for(timeout=5000)
    assert told == []


def test_a_product_is_tied_by_typing_a_part_of_its_sku(inside, page, told):
    reference = Reference.objects.get(label="TEA POT")
    page.goto(inside + reverse("admin:connections_reference_do", args=[reference.pk, "tie"]))
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("NOT-1")
    page.locator(".select2-results__option", has_text="NOT-102").click()
    page.get_by_role("button", name="Tie").click()

    page.get_by_text("is tied to that record already").wait_for()
    assert told == []


def test_a_case_is_worked_off_from_the_dashboard(inside, page, told):
    page.goto(inside + reverse("admin:index"))
    page.get_by_role("link", name="Outcome unknown", exact=True).first.click()
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Try all again").click()

    page.get_by_text("are tried again").wait_for()
    assert not Operation.objects.filter(state="review").exists()
    assert told == []


def test_signing_in_by_hand_leads_to_the_dashboard(live_server, page, told, shots):
    factories.user("boss", superuser=True, password="correct horse")
    page.goto(live_server.url + reverse("admin:index"))
    page.screenshot(path=shots / "desk-login.png")
    page.get_by_label("Username").fill("boss")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()

    page.get_by_text("Start here").wait_for()
    page.screenshot(path=shots / "desk-empty.png")
    assert told == []


def test_a_restore_is_told_on_every_page_and_explained_on_its_own(inside, page, told, shots):
    row = quarantine.begin(
        "The database is older than what erp-host-1 remembers of it",
        remembered=timezone.now() - timedelta(hours=9),
        known=timezone.now() - timedelta(minutes=2),
    )
    Operation.objects.filter(state="done").update(look_up_first=True, finished_at=timezone.now())
    for screen, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(inside + reverse("admin:index"))
        page.screenshot(path=shots / f"{screen}-restored.png")
        page.get_by_role("link", name="What this means").click()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=shots / f"{screen}-quarantine.png", full_page=True)
    page.get_by_role("link", name="End now").click()
    page.get_by_label("Reason").fill("The ERP is away for a week.")
    page.get_by_role("button", name="End now").click()

    page.get_by_text("The quarantine has ended").wait_for()
    assert not type(row).objects.get(pk=row.pk).open
    assert told == []


def test_the_search_opens_its_first_hit_with_enter_and_forgives_an_empty_one(inside, page, told):
    page.goto(inside + reverse("admin:index"))
    page.keyboard.press("Control+k")
    field = page.locator("#search-input-command")
    field.wait_for()
    field.press("Enter")
    number = Order.objects.order_by("pk").first().number
    field.press_sequentially(number)
    page.locator("#command-results-list li").first.wait_for()
    field.press("Enter")
    page.wait_for_url("**/records/**")
    assert told == []


def test_a_backfill_moves_on_while_it_is_watched(inside, page, told):
    row = Backfill.objects.get()
    page.clock.install()
    page.goto(inside + reverse("admin:sync_backfill_change", args=[row.pk]))
    page.get_by_text("430 of 1310").wait_for()
    Backfill.objects.update(done=900)
    page.clock.fast_forward(6_000)
    page.get_by_text("900 of 1310").wait_for()
    page.get_by_role("button", name="Stop").click()

    page.get_by_text("Nothing more of it is read").wait_for()
    assert page.locator("[hx-trigger]").filter(has_text="900 of 1310").count() == 0
    assert told == []


@pytest.mark.parametrize("screen", WIDTHS)
def test_what_waits_is_seen_where_it_is_looked_for(inside, page, told, shots, screen):
    page.set_viewport_size({"width": WIDTHS[screen], "height": 900})
    note_trouble(Connection.objects.get(slug="erp"), Misconfigured("The key was refused."))
    far = Connection.objects.get(slug="shop")
    Connection.objects.update(calls_per_second=2)
    Turns(far).rest(timedelta(minutes=1), "Demo shop asks us to slow down (HTTP 429).")
    looked = {
        "flows-waiting": ("admin:sync_flow_changelist", [], "waits for Tryton, down since"),
        "operations-waiting": ("admin:sync_operation_changelist", [], "waits for Tryton, down since"),
        "connection-waiting": ("admin:connections_connection_change", [far.pk], "waiting until"),
    }
    for name, (place, args, said) in looked.items():
        page.goto(inside + reverse(place, args=args))
        page.get_by_text(said).first.wait_for()
        needed, given = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        page.screenshot(path=shots / f"{screen}-{name}.png", full_page=True)
        assert needed <= given, name

    assert told == []
