"""Plugins are found in metadata, and one that fails is left out by name."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from portal.plugins import discovery
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.manager import PluginManager, UnknownConnector

GOOD = """
from portal.sdk import Connector, Settings, hook

class Acme(Connector):
    key, title, Settings = "{key}", "Acme", Settings

@hook
def register_connectors():
    return [Acme]
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Write a plugin's module; the source that its entry point would give."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> PluginSource:
        module = f"plugin_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        monkeypatch.delitem(sys.modules, module, raising=False)
        return PluginSource(name, module, "some-dist", "1.0", EntryPoint(name, module, GROUP))

    return write


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


def test_a_package_with_an_apps_module_is_a_django_app_and_is_not_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    for name, files in {"with_app": ["__init__", "apps"], "without_app": ["__init__"]}.items():
        (tmp_path / "vendor_x" / name).mkdir(parents=True)
        for file in files:
            (tmp_path / "vendor_x" / name / f"{file}.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "vendor_x" / "__init__.py").write_text("raise RuntimeError('imported')")
    assert discovery.is_django_app("vendor_x.with_app")
    assert not discovery.is_django_app("vendor_x.without_app")
    assert not discovery.is_django_app("no_such_package_anywhere")


def test_a_connector_is_found_by_its_key(plugin):
    manager = PluginManager([plugin("good", GOOD.format(key="acme"))])
    assert manager.failures == []
    assert list(manager.connector_classes()) == ["acme"]
    assert manager.connector_class("acme").title == "Acme"


def test_an_unknown_connector_is_answered_with_what_is_installed(plugin):
    manager = PluginManager([plugin("good", GOOD.format(key="acme"))])
    with pytest.raises(UnknownConnector, match=r"“shopify”\. Installed connectors: acme\."):
        manager.connector_class("shopify")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_library", "could not be loaded from plugin_rotten (ModuleNotFoundError"),
        ("def broken(:", "could not be loaded from plugin_rotten (SyntaxError"),
        (
            "from portal.sdk import hook\n@hook\ndef register_conectors(): return []",
            "unknown hook 'register_conectors'",
        ),
        (
            "from portal.sdk import hook\n@hook\ndef register_connectors(): raise OSError('no disk')",
            "hook register_connectors failed (OSError: no disk)",
        ),
        (
            "from portal.sdk import hook\n@hook\ndef register_connectors(): return None",
            "hook register_connectors failed",
        ),
        ("from portal.sdk import hook\n@hook\ndef register_connectors(): return ['acme']", "returned 'acme'"),
        (GOOD.format(key="acme"), "the plugin good already brings a connector “acme”"),
    ],
)
def test_a_plugin_that_fails_is_named_and_the_others_work(plugin, source, reason):
    manager = PluginManager([plugin("good", GOOD.format(key="acme")), plugin("rotten", source)])
    assert [failure.plugin for failure in manager.failures] == ["rotten"]
    assert "The plugin rotten cannot be used as it is: " in manager.failures[0].reason
    assert reason in manager.failures[0].reason
    assert manager.connector_class("acme").__module__ == "plugin_good"


def test_jobs_come_with_the_name_of_their_plugin(plugin):
    source = """
from datetime import timedelta
from portal.sdk import hook
from portal.sdk.hooks import PluginJob

@hook
def register_jobs():
    return [PluginJob("sweep", "Sweep the floor", timedelta(hours=1), lambda: "swept")]
"""
    manager = PluginManager([plugin("cleaner", source)])
    assert [(name, job.name) for name, job in manager.jobs()] == [("cleaner", "sweep")]
