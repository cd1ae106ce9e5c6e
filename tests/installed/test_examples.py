"""The examples' wheels in an environment of their own beside the portal, driven as people drive them."""

import re
import subprocess

import pytest
from playwright.sync_api import expect

import portal.sdk.hooks as specs
from portal.testing import Remote
from tests.installed.conftest import EXAMPLES

pytestmark = pytest.mark.processes


def test_the_preflight_admits_both(portal):
    assert portal.examined.splitlines() == [
        "The plugin acme 0.1.0 (portal-acme) can be used.",
        "The plugin dummy 0.1.0 (portal-dummy) can be used.",
    ]


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


def remote(name):
    return Remote(EXAMPLES / name / "tests" / "answers.json")


def test_an_order_of_acme_reaches_dummy_through_the_admin(served, page):
    page.set_default_timeout(15_000)
    page.goto(served)
    page.get_by_label("Username").fill("boss")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()

    page.get_by_role("link", name=re.compile(r"Plugins$")).click()
    expect(page.locator("#result_list")).to_contain_text("portal-acme")
    with remote("portal-acme") as acme, remote("portal-dummy") as dummy:
        connect(page, served, "Acme", acme.url, "The account “Mugs & More” answers.")
        connect(page, served, "Dummy", dummy.url, "Dummy 3.1 answers.")
        start_flow(page, served, "Acme", "Dummy")
        expect(page.locator("body")).to_contain_text("is live.")

        page.goto(f"{served}/admin/records/order/?q=1001")
        arrived(page, "done")
        page.get_by_role("link", name="1001").click()
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
