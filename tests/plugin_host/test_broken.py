"""Every way of being broken that we know leaves the portal up, with the reason shown; good neighbours work."""

import pytest

from tests.plugin_host.makers import CONNECTOR, FIRST, MODEL, SECOND, distribution, with_models

pytestmark = pytest.mark.processes

LIMIT = "40"
HOOK = "from portal.sdk import hook\n@hook\n"

BROKEN = {
    "on_import": ({"__init__.py": "import no_such_library"}, "No module named 'no_such_library'"),
    "exits": ({"__init__.py": "import sys; sys.exit(3)"}, "it called sys.exit(3)"),
    "killed": ({"__init__.py": "import os; os._exit(0)"}, "it ended its process with status 0"),
    "hangs": (
        {"__init__.py": "import time; time.sleep(600)"},
        f"it was not ready after {LIMIT} s, and was stopped",
    ),
    "bad_app": (with_models({"apps.py": "raise RuntimeError('no app')"}), "RuntimeError: no app"),
    "bad_models": (
        with_models({"models.py": MODEL + "    size = models.NoSuchField()\n"}),
        "while it was imported as a Django app (AttributeError",
    ),
    "failed_check": (
        with_models({"models.py": MODEL.replace("max_length=20", "max_length=-1")}),
        "Django's check fields.E121 says about portal_failed_check.Parcel.number",
    ),
    "two_leaves": (
        with_models({"migrations/0002_a.py": SECOND, "migrations/0002_b.py": SECOND}),
        "0002_a, 0002_b of the app portal_two_leaves both claim to be the last",
    ),
    "not_migrated": (
        with_models({"migrations/0001_initial.py": FIRST.replace("max_length=20", "max_length=9")}),
        "has models that no migration makes. Its author has to run ./run manage plugins makemigrations not_migrated",
    ),
    "no_migrations": (
        {"__init__.py": "", **{k: v for k, v in with_models().items() if "migrations" not in k}},
        "has models that no migration makes",
    ),
    "in_register": (
        {"__init__.py": HOOK + "def register_connectors(): raise OSError('no disk')"},
        "its hook register_connectors failed (OSError: no disk)",
    ),
    "wrong_arguments": (
        {"__init__.py": HOOK + "def register_connectors(request): return []"},
        "Argument(s) {'request'} are declared",
    ),
    "typo": (
        {"__init__.py": HOOK + "def register_conectors(): return []"},
        "unknown hook 'register_conectors'",
    ),
    "no_promises": (
        {
            "__init__.py": CONNECTOR.replace(
                "        def check", "        def push_stock(self, change): ...\n\n        def check"
            )
        },
        "Acme pushes stock, but its promises do not say what the remote promises for that",
    ),
    "taken_key": (
        {"__init__.py": CONNECTOR.replace("{name}", "tryton")},
        "the plugin tryton already brings a connector “tryton”",
    ),
}


@pytest.fixture(scope="module")
def portal(shared_portal):
    """All of the broken plugins installed at once, and two good ones among them; examined and migrated."""
    site = shared_portal.site
    for name, (files, _) in BROKEN.items():
        distribution(site, name, files)
    distribution(site, "too_new", requires=["erp-portal>=2,<3"])
    distribution(site, "namesake", entry="tryton")
    distribution(site, "same_label", with_models({"apps.py": LABELLED.format(label="sync")}))
    distribution(site, "good", with_models())
    distribution(site, "plain")
    shared_portal.ok("plugins", "preflight", "--limit", LIMIT)
    shared_portal.ok("migrate")
    return shared_portal


LABELLED = """
    from django.apps import AppConfig

    class Config(AppConfig):
        name = "portal_same_label"
        label = "{label}"
"""

REFUSED = {
    "too_new": "(portal-too-new) is refused: it is made for erp-portal <3,>=2, and this is 0.1.0.",
    "namesake": "is refused: erp-portal already brings a plugin of that name",
    "same_label": "is refused: its Django app is labelled “sync”, as one of the portal is",
}


@pytest.fixture(scope="module")
def listed(portal):
    return portal.ok("plugins", "list")


@pytest.fixture(scope="module")
def checked(portal):
    return portal.ok("check")


@pytest.mark.parametrize(("name", "reason"), [(name, reason) for name, (_, reason) in BROKEN.items()])
def test_a_plugin_that_is_broken_is_in_quarantine_with_the_reason(listed, checked, name, reason):
    for told in (listed, checked):
        [line] = [line for line in told.splitlines() if f"The plugin {name} 1.0" in line]
        assert "is in quarantine: " in line
        assert reason in line


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_a_plugin_that_does_not_fit_is_refused_before_it_is_imported(listed, checked, name, reason):
    for told in (listed, checked):
        assert reason in told


@pytest.mark.parametrize(
    ("name", "brings"),
    [
        ("good", "connector good; app portal_good; hook register_connectors"),
        ("plain", "connector plain; hook register_connectors"),
        ("tryton", "connector tryton; hook register_connectors"),
    ],
)
def test_good_plugins_among_broken_ones_work(listed, name, brings):
    [line] = [line for line in listed.splitlines() if line.startswith(f"{name} ") and "admitted" in line]
    assert line.endswith(brings)


def test_the_portal_is_up_and_its_login_page_opens(portal):
    with portal.served() as page:
        assert 'name="username"' in page


def test_a_strict_portal_does_not_start_and_gives_every_reason(portal):
    answer = portal.manage("serve", "web", PORTAL_STRICT="1")
    assert answer.returncode != 0
    assert "portal.E002" in answer.stderr
    for reason in [*REFUSED.values(), *(reason for _, reason in BROKEN.values())]:
        assert reason in answer.stderr


def test_what_the_operator_names_is_left_out_also_from_a_strict_start(portal):
    names = [*BROKEN, "too_new", "same_label"]
    told = portal.manage("check", PORTAL_STRICT="1", PORTAL_PLUGINS_DISABLED=",".join(names))
    assert "too_new" not in told.stderr
    assert "portal-namesake" in told.stderr, "the one that is still refused"
    assert "is named in PORTAL_PLUGINS_DISABLED" in portal.ok(
        "plugins", "list", PORTAL_PLUGINS_DISABLED="typo"
    )
