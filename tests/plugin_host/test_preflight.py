"""A new plugin is examined before it takes part: by `serve`, or by hand; once for each version."""

import json

import pytest

from tests.plugin_host.makers import CONNECTOR, distribution, with_models

pytestmark = pytest.mark.processes


@pytest.mark.parametrize("strict", ["0", "1"])
def test_serve_examines_a_new_plugin_and_starts_with_it(portal, strict):
    distribution(portal.site, "fresh")
    portal.ok("migrate")
    assert "The plugin fresh 1.0 (portal-fresh) was not examined yet" in portal.ok("plugins", "list")
    with portal.served(PORTAL_STRICT=strict) as page:
        assert 'name="username"' in page
        assert "connector fresh" in portal.ok("plugins", "list")
    assert portal.ok("plugins", "preflight", "--if-changed") == ""


@pytest.mark.parametrize("command", [["serve", "web"], ["plugins", "preflight"]], ids=" ".join)
def test_a_strict_start_examines_and_then_gives_the_reasons(portal, command):
    distribution(portal.site, "rotten", {"__init__.py": "import no_such_library"})
    answer = portal.manage(*command, PORTAL_STRICT="1")
    assert answer.returncode != 0
    assert "No module named 'no_such_library'" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_mended_version_leaves_the_quarantine_and_an_equal_one_by_hand(portal):
    distribution(portal.site, "acme", {"__init__.py": "import no_such_library"})
    assert "in quarantine" in portal.ok("plugins", "preflight")
    assert portal.ok("plugins", "preflight", "--if-changed") == ""
    (portal.site / "portal_acme" / "__init__.py").write_text("")
    assert portal.ok("plugins", "preflight") == "The plugin acme 1.0 (portal-acme) can be used.\n"
    info = portal.site / "portal_acme-1.0.dist-info"
    metadata = info / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    assert "acme 1.1" in portal.ok("plugins", "preflight", "--if-changed")


def test_two_that_only_clash_together_are_told_apart(portal):
    for name in ("one", "two"):
        distribution(portal.site, name, {"__init__.py": CONNECTOR.replace("{name}", "same")})
    found = portal.ok("plugins", "preflight")
    assert "The plugin one 1.0 (portal-one) can be used." in found
    assert "it does not go together with one: The plugin two cannot be used as it is: " in found


def test_a_plugin_is_examined_away_from_the_portal_s_data(portal):
    distribution(portal.site, "nosy", {"__init__.py": "", "apps.py": APP_THAT_WRITES})
    portal.ok("plugins", "preflight")
    assert not (portal.data / "portal.sqlite3").exists()


APP_THAT_WRITES = """
    from django.apps import AppConfig
    from django.db import connection

    class Config(AppConfig):
        name = "portal_nosy"

        def ready(self):
            connection.cursor().execute("CREATE TABLE left_behind (id integer)")
"""


def test_the_migrations_of_a_plugin_are_made_before_it_is_admitted(portal):
    files = {path: source for path, source in with_models().items() if "migrations" not in path}
    distribution(portal.site, "acme", files)
    assert "Its author has to run ./run manage plugins makemigrations acme" in portal.ok(
        "plugins", "preflight"
    )
    assert "Create model Parcel" in portal.ok("plugins", "makemigrations", "acme")
    assert portal.ok("plugins", "preflight") == "The plugin acme 1.0 (portal-acme) can be used.\n"
    answer = portal.manage("plugins", "makemigrations", "acmee")
    assert "No plugin acmee is installed." in answer.stderr


def test_a_torn_file_of_verdicts_only_means_that_nothing_is_known(portal):
    distribution(portal.site, "acme")
    portal.ok("plugins", "preflight")
    file = portal.data / "plugins.json"
    assert json.loads(file.read_text())["plugins"]["acme"]["version"] == "1.0"
    file.write_text(file.read_text()[:40])
    assert "was not examined yet" in portal.ok("check")
