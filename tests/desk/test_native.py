"""Plain admin classes, as plugins and libraries bring them, look like the portal's own."""

import pytest
from django.contrib import admin
from unfold.admin import ModelAdmin as UnfoldAdmin
from unfold.sites import UnfoldAdminSite

from portal.desk.native import make_native
from portal.sdk.django import ModelAdmin, StackedInline, TabularInline
from portal.sync.models import Attempt, Case, CaseItem, Operation


class Items(admin.TabularInline):
    model = CaseItem


class Tries(admin.StackedInline):
    model = Attempt


class PlainCase(admin.ModelAdmin):
    list_display = ["title", "words"]
    inlines = [Items]

    def words(self, row):
        return "mine"


@pytest.fixture
def site():
    return UnfoldAdminSite(name="other")


def test_a_plain_screen_gets_the_look_and_keeps_what_it_says(site):
    site.register(Case, PlainCase)

    assert make_native(site) == [Case]
    screen = site.get_model_admin(Case)
    assert isinstance(screen, (ModelAdmin, PlainCase))
    assert isinstance(screen, UnfoldAdmin)
    assert screen.list_display == ["title", "words"]
    assert screen.words(None) == "mine"
    assert screen.check() == []


@pytest.mark.parametrize(
    ("model", "inline", "native"), [(Case, Items, TabularInline), (Operation, Tries, StackedInline)]
)
def test_its_inlines_get_it_too(site, model, inline, native):
    site.register(model, type("Plain", (admin.ModelAdmin,), {"inlines": [inline]}))
    make_native(site)

    (made,) = site.get_model_admin(model).inlines
    assert issubclass(made, native)
    assert issubclass(made, inline)


def test_a_screen_on_the_portal_s_base_is_left_as_it_is(site):
    site.register(Case, ModelAdmin)
    before = site.get_model_admin(Case)

    assert make_native(site) == []
    assert site.get_model_admin(Case) is before


def test_every_screen_of_the_admin_has_the_look():
    assert [
        model for model, screen in admin.site._registry.items() if not isinstance(screen, UnfoldAdmin)
    ] == []


def test_every_screen_has_a_sentence_for_its_empty_list():
    silent = [
        model for model, screen in admin.site._registry.items() if not screen.empty.endswith((".", "?"))
    ]

    assert silent == []
