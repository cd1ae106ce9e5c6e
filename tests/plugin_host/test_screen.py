"""What staff see of plugins: the list, the page, the banner."""

from importlib.metadata import EntryPoint

import pytest
from django.urls import reverse
from django.utils import timezone

from portal.desk.roles import create_roles
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.manager import PluginFailure, plugins
from portal.plugins.models import Plugin
from tests import factories

LIST = "admin:portal_plugins_plugin_changelist"
REASON = "The plugin acme 1.0 (portal-acme) is in quarantine: it failed while it was imported."


@pytest.fixture
def boss(db, client):
    client.force_login(factories.user("boss", superuser=True))
    return client


@pytest.fixture
def quarantined(settings):
    source = PluginSource(
        "acme", "portal_acme", "portal-acme", "1.0", EntryPoint("acme", "portal_acme", GROUP)
    )
    left_out = Admission(source, State.QUARANTINED, REASON)
    settings.PLUGINS = Admissions((*settings.PLUGINS.decided, left_out))


def read(client, name, **kwargs):
    return client.get(reverse(name, **kwargs)).content.decode()


def page(client, plugin):
    row = Plugin.objects.get(name=plugin)
    return read(client, "admin:portal_plugins_plugin_change", args=[row.pk])


def press(client, plugin, button):
    row = Plugin.objects.get(name=plugin)
    return client.post(reverse("admin:portal_plugins_plugin_do", args=[row.pk, button]), follow=True)


def test_every_plugin_is_listed_with_what_it_brings(boss, quarantined):
    listed = read(boss, LIST)
    assert "connector tryton" in listed
    assert REASON in listed
    assert "portal-acme" in listed


def test_a_plugin_s_page_says_why_it_is_left_out(boss, quarantined):
    read(boss, LIST)
    assert REASON in page(boss, "acme")
    assert "Why it is left out" not in page(boss, "tryton")


def test_a_banner_on_every_page_leads_to_the_reason(boss, quarantined):
    told = read(boss, "admin:index")
    assert "cannot be used" in told
    assert f'href="{reverse(LIST)}">Why, and what to do' in told


def test_who_may_not_see_plugins_is_told_to_tell_somebody(db, client, quarantined):
    client.force_login(factories.user("newcomer"))
    assert "Tell an administrator." in read(client, "admin:index")


def test_there_is_no_banner_when_all_is_well_nor_for_strangers(boss, client, settings, quarantined):
    client.logout()
    assert "cannot be used" not in read(client, "admin:login")
    settings.PLUGINS = Admissions(settings.PLUGINS.decided[:-1])
    client.force_login(factories.user("other", superuser=True))
    assert "cannot be used" not in read(client, "admin:index")


def test_a_plugin_that_fails_in_this_process_is_in_the_banner_too(boss, monkeypatch):
    monkeypatch.setattr(plugins(), "failures", [PluginFailure("tryton", "The plugin tryton has no disk.")])
    assert "The plugin\n        tryton cannot be used" in read(boss, "admin:index")
    read(boss, LIST)
    assert "The plugin tryton has no disk." in page(boss, "tryton")


def test_it_is_switched_off_and_on_from_its_page(boss):
    read(boss, LIST)
    assert "is switched off" in press(boss, "tryton", "switch_off").content.decode()
    assert not Plugin.objects.get(name="tryton").enabled
    assert "switched off" in read(boss, LIST)
    press(boss, "tryton", "switch_on")
    assert Plugin.objects.get(name="tryton").enabled


def test_its_failures_in_service_stand_on_its_page_until_somebody_has_seen_to_them(boss):
    Plugin.objects.create(
        name="tryton", failures=3, failing_since=timezone.now(), last_error="The job “Tidy” failed."
    )
    assert "The job “Tidy” failed." in page(boss, "tryton")
    press(boss, "tryton", "seen_to")
    assert "The job “Tidy” failed." not in page(boss, "tryton")


def test_a_plugin_that_was_uninstalled_says_so(boss):
    Plugin.objects.create(name="gone")
    assert "not installed" in read(boss, LIST)
    assert "until it is installed again" in page(boss, "gone")


def test_a_viewer_sees_plugins_and_switches_none(db, client):
    create_roles()
    client.force_login(factories.user("looker", "viewer"))
    assert "tryton" in read(client, LIST)
    assert press(client, "tryton", "switch_off").status_code == 403
    assert Plugin.objects.get(name="tryton").enabled
