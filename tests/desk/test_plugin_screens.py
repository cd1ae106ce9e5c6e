"""The admin screens of a plugin's own models follow its switch."""

from importlib.metadata import EntryPoint

import pytest
from django.test import RequestFactory
from unfold.sites import UnfoldAdminSite

from portal.desk.plugin_screens import OnlyWhileOn, sidebar_of_plugins, tie_to_switches
from portal.plugins.admission import Admission, Admissions, State
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.records.models import Order
from portal.sdk.django import ModelAdmin
from portal.sync.models import Case
from tests import factories


@pytest.fixture
def site(settings):
    """An admin where the app `portal.sync` is the plugin `labels`, and `portal.records` is nobody's."""
    source = PluginSource("labels", "portal.sync", "portal-labels", "1", EntryPoint("labels", "x", GROUP))
    settings.PLUGINS = Admissions((Admission(source, State.ADMITTED),))
    made = UnfoldAdminSite(name="other")
    made.register([Case, Order], ModelAdmin)
    tie_to_switches(made)
    return made


@pytest.fixture
def asked(db):
    """A new request of somebody who may do everything."""
    boss = factories.user("boss", superuser=True)

    def ask():
        request = RequestFactory().get("/admin/")
        request.user = boss
        return request

    return ask


RIGHTS = ("module", "view", "add", "change", "delete")


def may(site, model, request):
    screen = site.get_model_admin(model)
    return {right for right in RIGHTS if getattr(screen, f"has_{right}_permission")(request)}


def test_nobody_has_a_right_to_the_screens_of_a_plugin_that_is_off(site, asked):
    assert may(site, Case, asked()) == set(RIGHTS)
    switch("labels", on=False)
    assert may(site, Case, asked()) == set()
    assert may(site, Order, asked()) == set(RIGHTS)
    switch("labels", on=True)
    assert may(site, Case, asked()) == set(RIGHTS)


def test_only_plugins_screens_are_tied_and_keep_their_base(site):
    assert issubclass(type(site.get_model_admin(Case)), OnlyWhileOn)
    assert isinstance(site.get_model_admin(Case), ModelAdmin)
    assert not isinstance(site.get_model_admin(Order), OnlyWhileOn)


class Broken(ModelAdmin):
    broken = False

    def has_view_permission(self, request, obj=None):
        return 1 / (not self.broken)

    def get_queryset(self, request):
        raise KeyError("labels")


def test_a_screen_that_fails_costs_its_own_page_and_is_laid_to_its_plugin(site, asked):
    site.unregister(Case)
    site.register(Case, Broken)
    tie_to_switches(site)
    answer = site.get_model_admin(Case).changelist_view(asked())

    assert answer.status_code == 500
    assert "The screen of its cases failed: KeyError" in answer.content.decode()
    assert Plugin.objects.get(name="labels").failures == 1


def test_rights_that_cannot_be_told_are_none_so_that_every_other_page_is_there(site, asked, monkeypatch):
    monkeypatch.setattr(Broken, "broken", True)
    site.unregister(Case)
    site.register(Case, Broken)
    tie_to_switches(site)

    assert "view" not in may(site, Case, asked())
    assert "ZeroDivisionError" in Plugin.objects.get(name="labels").last_error


def test_the_switch_is_looked_up_once_for_a_page(site, asked, django_assert_num_queries):
    request = asked()
    with django_assert_num_queries(1):
        may(site, Case, request)


def test_a_plugin_s_lists_are_a_group_of_the_sidebar_for_those_who_may_open_them(site, asked):
    (group,) = sidebar_of_plugins(asked())
    assert {item["title"] for item in group["items"]} >= {"Cases", "Operations"}

    nobody = asked()
    nobody.user = factories.user("newcomer")
    assert sidebar_of_plugins(nobody) == []
