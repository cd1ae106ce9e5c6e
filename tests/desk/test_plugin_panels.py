"""Panels of plugins, and actions beside them, on each kind of page: each alone, each with its permission."""

import logging
from typing import get_args

import pytest
from django.contrib.auth.models import Permission as Row
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from portal.plugins.models import Plugin
from portal.records.models import Order
from portal.sdk import CaseInfo, ConnectionInfo, Misconfigured, Subject, Table, Text, Values
from portal.sdk import StockLevel as LevelRecord
from portal.sdk.surfaces import PageKind
from tests import factories
from tests.desk.brought import KINDS, MODELS, RECORDS, Shy, action, broken, failures, page, panel, press


@pytest.mark.parametrize("kind", RECORDS)
def test_a_panel_is_drawn_from_plain_values_on_each_kind_of_record(one_of_each, boss, brings, kind):
    seen = []

    def show(*, subject):
        seen.append(subject)
        yield Text("It is on its way.", "good")
        yield Values([("Printed", "yes"), ("By", "")])
        yield Table(["Label", "Pages#"], [("A<b>4", 2)])

    brings(panel(show))
    row = MODELS[kind].objects.first()
    shown = page(boss, row)

    assert (seen[0].kind, seen[0].id, seen[0].record.external_id) == (kind, row.pk, row.external_id)
    assert seen[0].connection.slug == row.origin.slug
    assert "It is on its way." in shown
    assert "<dt>By</dt>" in shown
    assert "A&lt;b&gt;4" in shown
    assert shown.index("It is on its way.") < shown.index(" in full</h2>")


@pytest.mark.parametrize("kind", ["stock", "connection", "case"])
def test_panels_and_actions_stand_on_other_pages_too(one_of_each, boss, brings, kind):
    told = []
    brings(
        panel(lambda subject: told.append(subject) or [Text("A panel.")]),
        action(lambda subject, by: told.append(subject) or "Printed."),
    )
    row = MODELS[kind].objects.first()
    shown = page(boss, row)

    assert "A panel." in shown
    assert "Print label" in shown
    assert "Printed." in press(boss, row)
    assert told[0] == told[1] == ABOUT[kind](row)


def info(connection):
    return ConnectionInfo(connection.slug, connection.name, connection.connector)


def level(row):
    ids = {"product_id": row.product.external_id, "location_id": row.location.external_id}
    external_id = f"{ids['product_id']}@{ids['location_id']}"
    more = {"sku": row.product.sku, "available": row.available}
    record = LevelRecord(external_id=external_id, version=row.version, **ids, **more)
    return Subject("stock", row.pk, info(row.connection), record)


ABOUT = {
    "stock": level,
    "connection": info,
    "case": lambda row: CaseInfo(row.pk, row.cause, row.title, row.mend, info(row.connection)),
}


def test_every_kind_of_page_is_there():
    assert set(KINDS) == set(get_args(PageKind))


def test_a_panel_of_another_kind_or_with_nothing_to_show_is_left_out(one_of_each, boss, brings):
    brings(
        panel(lambda subject: [Text("Only refunds.")], kinds=("refund",)), panel(lambda subject: [], "Empty")
    )
    shown = page(boss, Order.objects.first())

    assert "Only refunds." not in shown
    assert "<h2>Empty</h2>" not in shown


def test_a_panel_that_raises_costs_its_own_box_and_is_laid_to_its_plugin(one_of_each, boss, brings):
    brings(panel(broken, "Broken one"), panel(lambda subject: [Text("The other stands.")]))
    shown = page(boss, Order.objects.first())

    assert "The panel “Broken one” cannot be shown just now." in shown
    assert "on fire" not in shown
    assert "The other stands." in shown
    assert failures() == [(1, "The panel “Broken one” failed: ZeroDivisionError: the printer is on fire.")]


@pytest.mark.parametrize(
    "blocks",
    [
        [Values([("Who", Shy())])],
        [Table(["One"], [("too", "many")])],
        ["<script>"],
        5,
    ],
)
def test_what_cannot_be_drawn_is_laid_to_its_plugin_too(one_of_each, boss, brings, blocks):
    brings(panel(lambda subject: blocks))

    assert "cannot be shown just now." in page(boss, Order.objects.first())
    assert failures()[0][0] == 1


def test_an_error_of_the_sdk_is_a_sentence_for_the_reader_and_no_failure(one_of_each, boss, brings):
    def show(*, subject):
        raise Misconfigured("No printer is chosen.", mend="Choose one under Plugins.")

    brings(panel(show))

    assert "No printer is chosen. Choose one under Plugins." in page(boss, Order.objects.first())
    assert failures() == []


def test_a_slow_panel_is_named(one_of_each, boss, brings, monkeypatch, caplog):
    monkeypatch.setattr("portal.plugins.calls.SLOW", -1)
    brings(panel(lambda subject: [Text("At last.")]))
    with caplog.at_level(logging.WARNING):
        page(boss, Order.objects.first())

    assert "The plugin labels is slow. The panel “Labels” took" in caplog.text


def test_a_panel_asks_for_its_permission(one_of_each, client, brings):
    brings(panel(lambda subject: [Text("For few.")], permission="print"))
    person = factories.user("printer", "viewer")
    row = Row.objects.create(
        content_type=ContentType.objects.get_for_model(Plugin), codename="labels:print", name="Can print"
    )
    person.user_permissions.add(Row.objects.get(codename="view_order"))
    client.force_login(person)
    assert "For few." not in page(client, Order.objects.first())

    person.user_permissions.add(row)
    assert "For few." in page(client, Order.objects.first())


def test_who_looks_after_plugins_sees_whose_box_it_is(one_of_each, boss, brings):
    brings(panel(lambda subject: [Text("Here.")]))
    assert f'href="{reverse("admin:portal_plugins_plugin_changelist")}?q=labels">labels</a>' in page(
        boss, Order.objects.first()
    )
