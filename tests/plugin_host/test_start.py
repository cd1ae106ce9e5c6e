"""What the portal notes of its plugins when it starts."""

import pytest
from django.contrib.auth.models import Permission as Row
from django.core.management import call_command

from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.sdk import Permission


@pytest.fixture
def started(db, monkeypatch):
    """Start the pump, and stop it before its first round."""
    monkeypatch.setattr("threading.Event.wait", lambda self, seconds=None: True)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return lambda: call_command("pump", "--skip-checks")


def test_register_permissions_makes_rows_that_staff_can_be_given_without_a_migrate(started, monkeypatch):
    brought = [("labels", Permission("print", "Can print labels"))]
    monkeypatch.setitem(plugins()._things, Permission, brought)
    started()
    brought[0] = ("labels", Permission("print", "Can print any label"))
    started()
    assert list(Row.objects.filter(codename="labels:print").values_list("name", flat=True)) == [
        "Can print any label"
    ]


def test_what_outlives_a_plugin_is_noted_while_it_is_in_use(started):
    started()
    assert Plugin.objects.get(name="demoshop").connectors == ["demoshop"]
