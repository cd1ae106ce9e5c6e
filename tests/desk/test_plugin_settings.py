"""A plugin's own settings as a form on its page, its switch for one connection, and what its page tells."""

import re
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from portal.connections.plugin_settings import save_values, stored_values
from portal.connections.plugin_switches import off_for
from portal.desk.plugin_panels import ASKED, TOLD, brought, in_short
from portal.plugins.manager import HOOKS, Brings, plugins
from portal.plugins.models import Plugin
from portal.plugins.overview import Line
from portal.sdk import Field, PluginSettings, SecretStr
from tests import factories


class LabelSettings(PluginSettings):
    printer: str = Field(default="office", title="Printer", description="Its name in the network.")
    copies: int = Field(default=1, ge=1, title="Copies")
    margin: Decimal = Field(default=Decimal("1.5"), title="Margin")
    token: SecretStr = Field(title="Token")


@pytest.fixture
def row(db, monkeypatch):
    """The plugin tryton, as if it had settings."""
    monkeypatch.setitem(plugins()._settings, "tryton", LabelSettings)
    return Plugin.objects.create(name="tryton")


def do(name, row):
    return reverse("admin:portal_plugins_plugin_do", args=[row.pk, name])


def page(client, row):
    return client.get(reverse("admin:portal_plugins_plugin_change", args=[row.pk])).content.decode()


GIVEN = {
    "setting_printer": "store",
    "setting_copies": "2",
    "setting_margin": "1.5",
    "setting_token": "s3cret-token",
}


def test_the_form_shows_defaults_and_stores_what_is_given(boss, row):
    asked = boss.get(do("change_settings", row)).content.decode()
    assert "Its name in the network." in asked
    assert 'value="office"' in asked

    said = boss.post(do("change_settings", row), GIVEN, follow=True).content.decode()
    assert "Saved: Printer was not given, is store; Copies was not given, is 2;" in said
    assert stored_values("tryton") == {
        "printer": "store",
        "copies": 2,
        "margin": "1.5",
        "token": "s3cret-token",
    }
    assert LabelSettings.read().margin == Decimal("1.5")


def test_a_value_that_does_not_fit_is_told_beside_its_field(boss, row):
    asked = boss.post(do("change_settings", row), {**GIVEN, "setting_copies": "0"}).content.decode()

    assert "Input should be greater than or equal to 1." in asked
    assert stored_values("tryton") == {}


def test_a_secret_is_never_shown_and_stays_when_left_empty(boss, row):
    save_values("tryton", {"token": "s3cret-token"})
    seen = boss.get(do("change_settings", row)).content.decode() + page(boss, row)
    seen += boss.post(
        do("change_settings", row), {**GIVEN, "setting_token": ""}, follow=True
    ).content.decode()
    seen += str([entry.get_change_message() for entry in LogEntry.objects.all()])

    assert "s3cret" not in seen
    assert stored_values("tryton")["token"] == "s3cret-token"
    assert "Stored. Leave empty to keep it." in seen


def test_the_history_tells_what_was_changed_and_of_a_secret_only_that(boss, row):
    boss.post(do("change_settings", row), GIVEN)
    boss.post(do("change_settings", row), {**GIVEN, "setting_printer": "desk", "setting_token": "another"})

    newest = LogEntry.objects.first().get_change_message()
    assert newest == "Settings: Saved: Printer was store, is desk; Token is new."


def test_a_viewer_sees_the_settings_without_secrets_and_changes_none(as_role, row):
    save_values("tryton", {"printer": "store", "token": "s3cret-token"})
    viewer = as_role("viewer")
    shown = page(viewer, row)

    assert "store" in shown
    assert "<dd>stored</dd>" in shown
    assert "s3cret" not in shown
    assert viewer.post(do("change_settings", row), GIVEN).status_code == 403


def test_a_plugin_without_settings_has_no_button_for_them(boss, db):
    other = Plugin.objects.create(name="demoshop")
    assert do("change_settings", other) not in page(boss, other)
    answer = boss.post(do("change_settings", other), follow=True)
    assert "demoshop has no settings of its own." in answer.content.decode()


def test_a_plugin_is_switched_off_and_on_for_one_connection(boss, row):
    shop, erp = factories.shop(), factories.erp()
    assert do("switch_on_for", row) not in page(boss, row)

    boss.post(do("switch_off_for", row), {"connection": shop.pk})
    assert off_for("shop") == {"tryton"}
    assert off_for("erp") == set()
    asked = boss.get(do("switch_on_for", row)).content.decode()
    assert f'<option value="{shop.pk}">' in asked
    assert f'<option value="{erp.pk}">' not in asked

    boss.post(do("switch_on_for", row), {"connection": shop.pk})
    assert off_for("shop") == set()


def test_its_page_tells_what_it_brings_and_where_it_works(boss, row):
    factories.shop()
    shown = page(boss, row)

    assert re.search(r"<dt>Connectors</dt>\s*<dd>Tryton", shown)
    assert re.search(r"<dt>Settings</dt>\s*<dd>a form of its own", shown)
    assert re.search(r"<td>demoshop</td>\s*<td><span class=\"desk-pill desk-good\">on", shown)
    assert "To be rid of it" not in shown, "it is the portal's own"


def test_everything_that_a_plugin_can_bring_has_its_words():
    more = (("panel", "labels", "Labels"), ("page", "one", ""), ("page", "two", ""))
    brings = Brings(hooks=("decide_route", "on_webhook", "register_panels"), app="labels", more=more)
    line = Line("labels", "portal-labels", "1.0", "admitted", (), brings)

    assert in_short(brings) == "panel, 2 pages, tables, decision, listens"
    assert dict(brought(line).context["pairs"]) == {
        "Panel": "Labels",
        "Pages": "one<br>two",
        "Tables and screens": "labels",
        "Is asked": "where records go",
        "Is told of": "webhooks of its topics",
    }


def test_every_hook_that_is_no_registration_is_told_in_words():
    assert {hook for hook in HOOKS if not hook.startswith("register_")} == ASKED.keys() | TOLD.keys()
