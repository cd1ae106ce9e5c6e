"""What is decided about a plugin before any part of it is imported."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from portal.plugins import discovery
from portal.plugins.admission import State, admit
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.labels import app_label, apps_file
from portal.plugins.verdicts import Verdict

FITS = {"acme": Verdict("portal-acme", "1.0")}


def source(name="acme", *requires, distribution="portal-acme", module="portal_acme", version="1.0"):
    return PluginSource(name, module, distribution, version, EntryPoint(name, module, GROUP), requires)


def decide(*sources, verdicts=FITS, **more):
    return admit(sources, verdicts=verdicts, **more).decided


def test_the_bundled_plugins_come_in_by_the_door_of_everybody():
    assert {"demoshop", "tryton"} <= {source.name for source in discovery.installed()}
    assert {source.distribution for source in discovery.installed() if source.name == "tryton"} == {
        "erp-portal"
    }


def test_settings_import_no_plugin():
    code = (
        "import sys; from django.conf import settings; settings.INSTALLED_APPS; "
        "print([name for name in sys.modules if name.startswith('plugins')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["Acme", "acme:print", "1acme", "acme/x", "a" * 41])
def test_a_name_that_cannot_be_part_of_an_address_is_refused(name):
    [decided] = decide(source(name))
    assert decided.state == State.REFUSED
    assert "its name has to be at most 40 lower-case letters" in decided.reason


@pytest.mark.parametrize(
    ("requires", "state"),
    [
        ([], State.ADMITTED),
        (["erp-portal"], State.ADMITTED),
        (["requests>=99", "erp-portal>=0.1,<0.2"], State.ADMITTED),
        (["ERP_Portal>=7"], State.REFUSED),
        (["erp-portal>=7; python_version < '3'"], State.ADMITTED),
        (["erp-portal>=7; extra == 'test'"], State.ADMITTED),
        (["erp-portal>=0.1", "erp-portal<0.1"], State.REFUSED),
        (["erp-portal=>7"], State.REFUSED),
    ],
    ids=str,
)
def test_a_plugin_is_taken_only_by_a_portal_that_it_is_made_for(requires, state):
    [decided] = decide(source("acme", *requires))
    assert decided.state == state
    assert bool(decided.reason) is (state == State.REFUSED)


def test_of_two_plugins_of_one_name_the_second_is_refused_and_names_the_first():
    first, second = decide(source(), source(distribution="other-acme"))
    assert (first.state, second.state) == (State.ADMITTED, State.REFUSED)
    assert "portal-acme already brings a plugin of that name" in second.reason


def test_a_plugin_that_the_operator_named_holds_no_name():
    first, second = decide(source("acme"), source("acme", distribution="b"), disabled=["acme"])
    assert {first.state, second.state} == {State.DISABLED}
    refused, taken = decide(source("acme", "erp-portal>7", distribution="a"), source("acme"))
    assert (refused.state, taken.state) == (State.REFUSED, State.ADMITTED)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (None, State.UNTRIED),
        (Verdict("portal-acme", "0.9"), State.UNTRIED),
        (Verdict("portal-acme", "0.9", "It was broken."), State.UNTRIED),
        (Verdict("other-acme", "1.0"), State.UNTRIED),
        (Verdict("portal-acme", "1.0"), State.ADMITTED),
        (Verdict("portal-acme", "1.0", "it is broken."), State.QUARANTINED),
    ],
    ids=str,
)
def test_a_verdict_holds_for_one_version_of_one_distribution(verdict, state):
    [decided] = decide(source(), verdicts={"acme": verdict} if verdict else {})
    assert decided.state == state


@pytest.fixture
def app(tmp_path, monkeypatch):
    """Write a package with an `apps.py` of that text, which fails when it is imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, text):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
        (tmp_path / name / "apps.py").write_text(f"{text}\nraise RuntimeError('imported')\n")
        return name

    return write


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("", "vendor_x"),
        ("class C(AppConfig): name = 'vendor_x'; label = 'x'", "x"),
        ("class C(apps.AppConfig): name = 'far.away'", "away"),
        ("class A(AppConfig): label = 'a'\nclass B(A_Config): label = 'b'; default = True", "b"),
        ("class A(AppConfig): label = 'a'\nclass B(AppConfig): label = 'b'", "vendor_x"),
        ("def broken(:", "vendor_x"),
    ],
)
def test_the_label_of_an_app_is_read_without_importing_it(app, text, label):
    assert app_label(app("vendor_x", text)) == label


def test_the_labels_of_the_portal_s_own_apps_are_read_right(settings):
    from django.apps import apps

    assert sorted(app_label(room) for room in settings.ROOMS) == sorted(
        config.label for config in apps.get_app_configs() if config.name in settings.ROOMS
    )


def test_only_a_package_with_an_apps_module_is_a_django_app(app, tmp_path):
    below = tmp_path / app("vendor_y", "") / "inner"
    below.mkdir()
    (below / "apps.py").touch()
    assert apps_file("vendor_y.inner")
    assert not apps_file("vendor_y.other")
    assert not apps_file("no_such_package_anywhere")


def test_two_apps_of_one_label_do_not_meet(app):
    for name in ("vendor_p", "vendor_q"):
        app(name, "class C(AppConfig): label = 'same'")
    sources = [source("p", module="vendor_p"), source("q", module="vendor_q")]
    first, second = decide(*sources, verdicts={"p": Verdict("portal-acme", "1.0")})
    assert first.state == State.ADMITTED
    assert "labelled “same”, as one of the plugin p is" in second.reason
