"""The plugins' own pages under /plugins/<plugin>/."""

import sys
from types import ModuleType

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.template.response import SimpleTemplateResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from portal.desk.plugin_pages import Page
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.sdk import Misconfigured, PluginUrl, Table, Text
from portal.sdk.django import page
from tests import factories


@pytest.fixture
def serve(settings, monkeypatch):
    """The portal with one more page: of the plugin `labels`, at /plugins/labels/print/."""

    def put(view, **more):
        from config import urls

        one = Page("labels", PluginUrl("print/", view, "print", **more))
        module = ModuleType("tests.urls_with_a_page")
        module.urlpatterns = [path("plugins/labels/print/", one), *urls.urlpatterns]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        settings.ROOT_URLCONF = module.__name__

    return put


ADDRESS = "/plugins/labels/print/"


def fine(request):
    return HttpResponse("Printed.")


def failures():
    return list(Plugin.objects.filter(name="labels").values_list("last_error", flat=True))


def test_a_page_is_for_staff_who_are_signed_in(db, client, serve, django_user_model):
    serve(fine)
    sent = client.get(ADDRESS)
    assert (sent.status_code, sent.url) == (302, f"/admin/login/?next={ADDRESS}")

    client.force_login(django_user_model.objects.create_user("customer"))
    assert client.get(ADDRESS).status_code == 302
    client.force_login(factories.user("clerk"))
    assert client.get(ADDRESS).content == b"Printed."


def test_a_page_asks_for_its_permission(db, client, boss, serve):
    serve(fine, permission="print")
    assert boss.get(ADDRESS).content == b"Printed."
    client = Client()
    client.force_login(factories.user("clerk"))
    assert client.get(ADDRESS).status_code == 403


def test_a_public_page_is_for_everybody(db, client, serve):
    serve(fine, public=True)
    assert client.get(ADDRESS).content == b"Printed."


def test_a_page_is_gone_while_its_plugin_is_off(db, client, boss, serve):
    serve(fine, public=True)
    switch("labels", on=False)
    for person in (boss, Client()):
        answer = person.get(ADDRESS)
        assert answer.status_code == 404
        assert "belongs to the plugin labels, which is switched off." in answer.content.decode()


def test_a_forged_form_is_refused_even_where_the_view_would_take_it(db, serve):
    serve(csrf_exempt(fine), public=True)
    assert Client(enforce_csrf_checks=True).post(ADDRESS).status_code == 403


def raising(error):
    def view(request):
        raise error

    return view


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (raising(ZeroDivisionError("x")), "The page “print” failed: ZeroDivisionError: x."),
        (raising(SystemExit(1)), "The page “print” failed: it called sys.exit(1)."),
        (lambda request: "text", "its view returned 'text' instead of a response"),
        (lambda request: SimpleTemplateResponse("no/such.html"), "TemplateDoesNotExist: no/such.html"),
        ("portal.no_such_module.view", "No module named 'portal.no_such_module'"),
    ],
)
def test_a_page_that_fails_says_so_to_staff_and_is_laid_to_its_plugin(boss, serve, view, said):
    serve(view)
    answer = boss.get(ADDRESS)

    assert answer.status_code == 500
    assert said.replace("'", "&#x27;") in answer.content.decode()
    assert said in failures()[0]


def test_a_stranger_is_not_told_why_a_page_fails(db, client, serve):
    serve(raising(ZeroDivisionError("secret")), public=True)
    answer = client.get(ADDRESS)

    assert answer.status_code == 500
    assert "Something went wrong. It was noted." in answer.content.decode()
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize(("error", "status"), [(Http404("x"), 404), (PermissionDenied("x"), 403)])
def test_what_django_answers_is_no_failure(boss, serve, error, status):
    serve(raising(error))
    assert boss.get(ADDRESS).status_code == status
    assert failures() == []


def test_an_error_of_the_sdk_is_told_as_it_is(boss, serve):
    serve(raising(Misconfigured("No printer is chosen.", mend="Choose one.")))
    assert "No printer is chosen. Choose one." in boss.get(ADDRESS).content.decode()
    assert failures() == []


def test_the_portal_draws_a_page_from_plain_values(boss, serve):
    serve(lambda request: page(request, "Labels", [Text("Two."), Table(["Label"], [("<A4>",)])]))
    shown = boss.get(ADDRESS).content.decode()

    assert "<h2>Labels</h2>" in shown
    assert "&lt;A4&gt;" in shown
    assert 'href="/admin/"' in shown


def test_an_address_that_no_plugin_brings_is_not_there(db, client):
    assert client.get("/plugins/nobody/anything/").status_code == 404
