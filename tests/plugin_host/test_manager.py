"""Plugins are loaded and asked one by one, and one that fails is left out by name."""

import sys
from importlib.metadata import EntryPoint

import pytest

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
        ("import sys; sys.exit(3)", "could not be loaded from plugin_rotten (it called sys.exit(3))"),
        (
            "from portal.sdk import hook\n@hook\ndef register_connectors(): raise SystemExit",
            "hook register_connectors failed",
        ),
        (
            "from portal.sdk import hook\n@hook\ndef register_jobs(every): return []",
            "register_jobs(every) Argument(s) {'every'} are declared in the hookimpl but can not be found",
        ),
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


def test_a_hook_is_asked_once_however_often_its_answer_is_needed(plugin):
    source = "from portal.sdk import hook\n@hook\ndef register_jobs(): raise OSError('no disk')"
    manager = PluginManager([plugin("cleaner", source)])
    assert [manager.jobs(), manager.jobs()] == [[], []]
    assert len(manager.failures) == 1


def test_it_is_told_what_a_plugin_brings(plugin):
    manager = PluginManager([plugin("good", GOOD.format(key="acme"))])
    brought = manager.brings("good")
    assert ([connector.key for connector in brought.connectors], brought.hooks) == (
        ["acme"],
        ("register_connectors",),
    )
    assert (manager.owner_of("acme"), manager.owner_of("shopify")) == ("good", "")
    assert not manager.brings("unheard-of").hooks
