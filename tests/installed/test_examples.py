"""The examples' wheels in an environment of their own beside the portal, driven as people drive them."""

import re
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

import portal.sdk.hooks as specs
from portal.testing import Remote
from tests.installed.conftest import EXAMPLES

WIDTHS = {"desk": 1440, "phone": 390}
pytestmark = pytest.mark.processes


def test_the_preflight_admits_both(portal):
    assert portal.examined.splitlines() == [
        "The plugin acme 0.1.0 (portal-acme) can be used.",
        "The plugin dummy 0.1.0 (portal-dummy) can be used.",
    ]
    taken = portal.manage("startconnector", "acme", str(portal.data / "again"))
    assert "A plugin acme is installed already. Take another name." in taken.stderr


def test_dummy_uses_every_hook_there_is():
    hooks = {name for name, member in vars(specs).items() if hasattr(member, "portal_spec")}
    source = (EXAMPLES / "portal-dummy" / "portal_dummy" / "__init__.py").read_text("utf-8")
    used = set(re.findall(r"^@hook\ndef (\w+)", source, re.MULTILINE))

    assert len(hooks) > 15
    assert used == hooks, "examples/portal-dummy shows authors how every hook is used"


def test_dummy_s_own_tests_pass_with_it_installed(portal):
    done = subprocess.run(
        [portal.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:playwright"],
        cwd=portal.data.parent / "portal-dummy",
        env=portal.env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert re.search(r"^\d\d passed, 1 skipped", done.stdout, re.MULTILINE), done.stdout + done.stderr


@pytest.fixture(scope="module")
def served(portal):
    """The portal's own processes, with somebody who may sign in; its address."""
    who = {"DJANGO_SUPERUSER_PASSWORD": "correct horse"}
    portal.ok("createsuperuser", "--noinput", "--username=boss", "--email=boss@example.com", **who)
    with portal.served("web", "cluster", "pump"):
        yield f"http://{portal.bind}"


@pytest.fixture(scope="module")
def shots(pytestconfig):
    place = Path(pytestconfig.getoption("--output")) / "plugins"
    place.mkdir(parents=True, exist_ok=True)
    return place


@pytest.fixture
def signed_in(served, page):
    page.set_default_timeout(15_000)
    page.set_viewport_size({"width": WIDTHS["desk"], "height": 900})
    page.goto(served)
    page.get_by_label("Username").fill("boss")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    return served


def remote(name):
    return Remote(EXAMPLES / name / "tests" / "answers.json")


def test_an_order_of_acme_reaches_dummy_through_the_admin(signed_in, page):
    page.get_by_role("link", name=re.compile(r"Plugins$")).click()
    expect(page.locator("#result_list")).to_contain_text("portal-acme")
    with remote("portal-acme") as acme, remote("portal-dummy") as dummy:
        dummy.answer_also({f"PUT /orders/order:acme:o{each}:1": {"id": f"D-{each}"} for each in (1, 2)})
        connect(page, signed_in, "Acme", acme.url, "The account “Mugs & More” answers.")
        connect(page, signed_in, "Dummy", dummy.url, "Dummy 3.1 answers.")
        start_flow(page, signed_in, "Acme", "Dummy")
        expect(page.locator("body")).to_contain_text("is live.")

        page.goto(f"{signed_in}/admin/records/order/?q=1001")
        arrived(page, "done")
        page.get_by_role("link", name="1001").click()
        expect(page.locator(".desk-panel", has_text="Where it is known")).to_contain_text("D-1")
        told = [write.json for write in dummy.writes if write.path.startswith("/orders/")]
    assert sorted(each["number"] for each in told) == ["1001", "1002"], (
        "the third was cancelled before it was sent"
    )
    assert next(each for each in told if each["number"] == "1001") == {
        "number": "1001",
        "state": "open",
        "place": "w1",
        "note": "Anna Berg",
        "lines": [["a1", "2"], ["a2", "1"]],
    }


def test_dummy_shows_what_it_brings_until_it_is_switched_off(signed_in, page, shots):
    page.get_by_role("link", name=re.compile("Orders$")).click()
    page.get_by_role("link", name="1001").click()
    panel = page.locator(".desk-panel", has_text="Dummy's notes")
    expect(panel).to_contain_text("What Dummy knows of this order from Acme.")
    page.get_by_role("link", name="Note it").click()
    expect(page.locator("body")).to_contain_text("Shall Dummy write a line about it?")
    look(page, shots, "action-asks")
    page.get_by_role("button", name="Note it").click()
    expect(page.locator("body")).to_contain_text("Dummy has noted this order.")
    expect(panel).to_contain_text("Noted by boss.")
    look(page, shots, "record")

    page.goto(f"{signed_in}/admin/")
    look(page, shots, "dashboard")
    page.locator("section.desk-tile", has_text="Dummy's notes").get_by_role("link").click()
    expect(page.locator("#content h2")).to_have_text("Notes")
    look(page, shots, "page")
    page.get_by_role("link", name=re.compile("Notes$")).click()
    expect(page.locator("#result_list")).to_contain_text("Noted by boss.")
    look(page, shots, "list")

    page.get_by_role("link", name=re.compile("Plugins$")).click()
    look(page, shots, "plugins")
    page.get_by_role("link", name="dummy", exact=True).click()
    look(page, shots, "plugin")
    page.get_by_role("link", name="Settings").click()
    page.get_by_label("Pieces to keep back").fill("-1")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text("Input should be greater than or equal to 0.")
    look(page, shots, "settings")
    page.get_by_label("Pieces to keep back").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("body")).to_contain_text(
        "Saved: Greeting was not given, is Noted; Pieces to keep back"
    )

    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("link", name=re.compile("Notes$"))).to_have_count(0)
    page.goto(f"{signed_in}/plugins/dummy/notes/")
    expect(page.locator("body")).to_contain_text("belongs to the plugin dummy, which is switched off.")
    look(page, shots, "gone")
    page.goto(f"{signed_in}/admin/")
    expect(page.locator("section.desk-tile")).to_have_count(0)


def look(page, shots, name):
    """Keep what is seen on a desk and on a phone; nothing is wider than the screen."""
    for screen, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.screenshot(path=shots / f"{screen}-{name}.png", full_page=True)
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert page.evaluate(fits), f"{name} is wider than {width} pixels"
    page.set_viewport_size({"width": WIDTHS["desk"], "height": 900})


def connect(page, served, name, url, says):
    """Make a connection and test it."""
    page.goto(f"{served}/admin/connections/connection/add/")
    page.get_by_role("link", name=re.compile(f"^{name}")).click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Address").fill(url)
    page.get_by_label("API token").fill("a-token-of-this-test")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name=name, exact=True).first.click()
    page.get_by_role("button", name="Test").click()
    expect(page.locator("body")).to_contain_text(f"{name} works: {says}")


def start_flow(page, served, source, target):
    page.goto(f"{served}/admin/sync/flow/add/")
    page.locator("select[name=kind]").select_option("order")
    page.locator("select[name=source]").select_option(label=source)
    page.locator("select[name=target]").select_option(label=target)
    page.get_by_role("button", name="Save and continue editing").click()
    page.get_by_role("button", name="Start").click()


def arrived(page, state):
    """The list is looked at until the order is that far; workers need a moment."""
    for _ in range(60):
        if page.locator("#result_list .desk-pill", has_text=re.compile(f"^{state}$")).count():
            return
        page.wait_for_timeout(250)
        page.reload()
    pytest.fail(f"No order is {state}: {page.locator('body').inner_text()}")
