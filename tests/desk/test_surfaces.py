"""What plugins bring to our pages: panels, actions and tiles, each alone, each with its permission and its switch."""

import logging
from typing import get_args

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission as Row
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from portal.connections.models import Connection
from portal.connections.plugin_switches import switch_for
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.records.models import Location, Order, Product, Refund, Shipment, StockLevel
from portal.sdk import (
    CaseInfo,
    ConnectionInfo,
    Figure,
    Misconfigured,
    Permission,
    RecordAction,
    RecordPanel,
    SkipRecord,
    Subject,
    Table,
    Text,
    Tile,
    Values,
)
from portal.sdk import StockLevel as LevelRecord
from portal.sdk.surfaces import PageKind
from portal.sync.models import Case
from tests import factories

MODELS = {
    "order": Order,
    "refund": Refund,
    "shipment": Shipment,
    "product": Product,
    "location": Location,
    "stock": StockLevel,
    "connection": Connection,
    "case": Case,
}
KINDS = tuple(MODELS)
RECORDS = ("order", "refund", "shipment", "product", "location")


@pytest.fixture
def world(db):
    """One record of each kind, and three orders."""
    shop, erp = factories.shop(), factories.erp()
    factories.products(erp, 2)
    rows = factories.orders(shop, 3)
    factories.shipment(rows[0], erp)
    factories.refund(rows[0])
    factories.levels(erp)
    factories.case(shop, "unknown-product")


@pytest.fixture
def brings(monkeypatch):
    """The plugin `labels` brings these."""

    def bring(*things):
        for thing in things:
            already = plugins()._things[type(thing)]
            monkeypatch.setitem(plugins()._things, type(thing), [*already, ("labels", thing)])

    return bring


def panel(show, title="Labels", kinds=KINDS, permission=""):
    return RecordPanel("labels", title, kinds, show, permission)


def action(run, title="Print label", permission="records.view_order", question=""):
    return RecordAction("print", title, KINDS, run, permission, question)


def tile(show, permission=""):
    return Tile("labels", "Labels", show, permission)


def address(row, name="change", *more):
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{name}", args=[row.pk, *more])


def page(client, row):
    return client.get(address(row)).content.decode()


def dashboard(client):
    return client.get(reverse("admin:index")).content.decode()


def broken(**_):
    raise ZeroDivisionError("the printer is on fire")


def failures():
    return list(Plugin.objects.filter(name="labels").values_list("failures", "last_error"))


# -- panels --


@pytest.mark.parametrize("kind", RECORDS)
def test_a_panel_is_drawn_from_plain_values_on_each_kind_of_record(world, boss, brings, kind):
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
def test_panels_and_actions_stand_on_other_pages_too(world, boss, brings, kind):
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


def test_a_panel_of_another_kind_or_with_nothing_to_show_is_left_out(world, boss, brings):
    brings(
        panel(lambda subject: [Text("Only refunds.")], kinds=("refund",)), panel(lambda subject: [], "Empty")
    )
    shown = page(boss, Order.objects.first())

    assert "Only refunds." not in shown
    assert "<h2>Empty</h2>" not in shown


def test_a_panel_that_raises_costs_its_own_box_and_is_laid_to_its_plugin(world, boss, brings):
    brings(panel(broken, "Broken one"), panel(lambda subject: [Text("The other stands.")]))
    shown = page(boss, Order.objects.first())

    assert "The panel “Broken one” cannot be shown just now." in shown
    assert "on fire" not in shown
    assert "The other stands." in shown
    assert failures() == [(1, "The panel “Broken one” failed: ZeroDivisionError: the printer is on fire.")]


class Shy:
    def __str__(self):
        return broken()


@pytest.mark.parametrize(
    "blocks",
    [
        [Values([("Who", Shy())])],
        [Table(["One"], [("too", "many")])],
        ["<script>"],
        5,
    ],
)
def test_what_cannot_be_drawn_is_laid_to_its_plugin_too(world, boss, brings, blocks):
    brings(panel(lambda subject: blocks))

    assert "cannot be shown just now." in page(boss, Order.objects.first())
    assert failures()[0][0] == 1


def test_an_error_of_the_sdk_is_a_sentence_for_the_reader_and_no_failure(world, boss, brings):
    def show(*, subject):
        raise Misconfigured("No printer is chosen.", mend="Choose one under Plugins.")

    brings(panel(show))

    assert "No printer is chosen. Choose one under Plugins." in page(boss, Order.objects.first())
    assert failures() == []


def test_a_slow_panel_is_named(world, boss, brings, monkeypatch, caplog):
    monkeypatch.setattr("portal.plugins.calls.SLOW", -1)
    brings(panel(lambda subject: [Text("At last.")]))
    with caplog.at_level(logging.WARNING):
        page(boss, Order.objects.first())

    assert "The plugin labels is slow. The panel “Labels” took" in caplog.text


def test_a_panel_asks_for_its_permission(world, client, brings):
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


def test_who_looks_after_plugins_sees_whose_box_it_is(world, boss, brings):
    brings(panel(lambda subject: [Text("Here.")]))
    assert f'href="{reverse("admin:portal_plugins_plugin_changelist")}?q=labels">labels</a>' in page(
        boss, Order.objects.first()
    )


# -- switches --


def test_a_switched_off_plugin_shows_nothing_anywhere(world, boss, brings):
    brings(
        panel(lambda subject: [Text("A panel.")]),
        action(lambda subject, by: "Done.", title="An action"),
        tile(lambda: [Figure(7, "a tile")]),
    )
    order = Order.objects.first()
    listed = reverse("admin:records_order_changelist")
    assert "A panel." in page(boss, order)
    assert "a tile" in dashboard(boss)
    assert "An action" in boss.get(listed).content.decode()

    switch("labels", on=False)
    shown = page(boss, order) + dashboard(boss) + boss.get(listed).content.decode()
    assert "A panel." not in shown
    assert "An action" not in shown
    assert "a tile" not in shown
    assert boss.post(address(order, "do_of_plugin", "labels", "print")).status_code == 404


def test_off_for_one_connection_it_shows_nothing_on_what_comes_from_there(world, boss, brings):
    brings(panel(lambda subject: [Text("A panel.")]), action(lambda subject, by: "Done.", title="An action"))
    order, product = Order.objects.first(), Product.objects.first()
    assert order.origin != product.origin
    switch_for(order.origin, "labels", on=False)

    assert "A panel." not in page(boss, order)
    assert "An action" not in page(boss, order)
    assert boss.post(address(order, "do_of_plugin", "labels", "print")).status_code == 404
    assert "A panel." in page(boss, product)


# -- actions --


def press(client, row, name="print", **answers):
    return client.post(address(row, "do_of_plugin", "labels", name), answers, follow=True).content.decode()


def test_an_action_is_a_button_that_says_what_came_of_it_and_stands_in_the_history(world, boss, brings):
    done = []

    def run(*, subject, by):
        done.append((subject.kind, subject.id, by))
        return f"Label of {subject.record.number} is printed."

    brings(action(run))
    order = Order.objects.first()
    assert "Print label" in page(boss, order)
    assert boss.get(address(order, "do_of_plugin", "labels", "print")).status_code == 405
    said = f"Label of {order.number} is printed."

    assert said in press(boss, order)
    assert done == [("order", order.pk, "boss")]
    assert said in LogEntry.objects.get().get_change_message()


def test_an_action_with_a_question_asks_first(world, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(by) or "Done.", question="On which paper?"))
    order = Order.objects.first()
    asked = boss.get(address(order, "do_of_plugin", "labels", "print")).content.decode()

    assert "On which paper?" in asked
    assert done == []
    assert "Done." in press(boss, order)
    assert done == ["boss"]


@pytest.mark.parametrize(
    ("raised", "said", "counted"),
    [
        (SkipRecord("The printer is out of paper."), "The printer is out of paper.", 0),
        (ZeroDivisionError("x"), "The action “Print label” failed: ZeroDivisionError: x.", 1),
        (SystemExit(3), "The action “Print label” failed: it called sys.exit(3).", 1),
    ],
)
def test_an_action_that_fails_says_why(world, boss, brings, raised, said, counted):
    def run(*, subject, by):
        raise raised

    brings(action(run))

    assert said in press(boss, Order.objects.first())
    assert len(failures()) == counted
    assert not LogEntry.objects.exists()


def test_an_action_needs_its_permission_on_the_page_and_on_the_list(world, as_role, brings):
    brings(action(lambda subject, by: "Done.", permission="print"))
    viewer, order = as_role("viewer"), Order.objects.first()

    assert "Print label" not in page(viewer, order)
    assert viewer.post(address(order, "do_of_plugin", "labels", "print")).status_code == 404
    assert "Print label" not in viewer.get(reverse("admin:records_order_changelist")).content.decode()


def choose(client, rows, **more):
    answers = {"action": "labels:print", "_selected_action": [row.pk for row in rows], **more}
    return client.post(reverse("admin:records_order_changelist"), answers, follow=True).content.decode()


def test_an_action_is_taken_on_all_chosen_rows_of_a_list_each_for_itself(world, boss, brings):
    rows = list(Order.objects.all()[:3])

    def run(*, subject, by):
        if subject.id == rows[1].pk:
            raise SkipRecord("It is too heavy.")
        return "Printed."

    brings(action(run))
    said = choose(boss, rows)

    assert "2 × Printed." in said
    assert "It is too heavy." in said
    assert LogEntry.objects.count() == 2


def test_chosen_rows_of_a_connection_that_the_plugin_is_off_for_are_left_out(world, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(subject.id) or "Printed."))
    rows = list(Order.objects.all()[:2])
    switch_for(rows[0].origin, "labels", on=False)

    assert "2 × The plugin labels is switched off for Demo shop." in choose(boss, rows)
    assert done == []


def test_the_question_is_asked_once_for_all_chosen_rows(world, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(subject.id) or "Printed.", question="On which paper?"))
    rows = list(Order.objects.all()[:2])

    assert "On which paper?" in choose(boss, rows)
    assert done == []
    assert "2 × Printed." in choose(boss, rows, confirmed="yes")
    assert sorted(done) == sorted(row.pk for row in rows)


def test_nobody_waits_for_more_rows_than_can_be_waited_for(world, boss, brings, monkeypatch):
    monkeypatch.setattr("portal.desk.plugged.MOST", 1)
    done = []
    brings(action(lambda subject, by: done.append(by) or "Printed."))

    assert "Choose at most 1 at once" in choose(boss, Order.objects.all()[:2])
    assert done == []


# -- tiles --


def test_a_tile_shows_its_figures_on_the_dashboard(world, boss, brings):
    brings(tile(lambda: [Figure(12, "printed", "good", "/admin/"), Figure("3 kg", "paper left", "warn")]))
    shown = dashboard(boss)

    assert '<a href="/admin/"><b>12</b></a>' in shown
    assert "desk-figure desk-warn" in shown
    assert "3 kg" in shown


@pytest.mark.parametrize("link", ["https://elsewhere.test/", "//elsewhere.test/", "javascript:alert(1)"])
def test_a_tile_leads_nowhere_outside_the_portal(world, boss, brings, link):
    brings(tile(lambda: [Figure(12, "printed", link=link)]))
    shown = dashboard(boss)

    assert "<b>12</b>" in shown
    assert link not in shown


def test_a_tile_that_fails_leaves_the_dashboard_as_it_is(world, boss, brings):
    brings(tile(broken), tile(lambda: [Figure(Shy())]), tile(lambda: [Figure(1, "well")]))
    shown = dashboard(boss)

    assert shown.count("The tile “Labels” cannot be shown just now.") == 2
    assert "well" in shown
    assert "Orders today" in shown
    assert failures()[0][0] == 2


def test_a_tile_is_all_that_somebody_may_see_who_has_no_other_right(db, client, brings):
    brings(tile(lambda: [Figure(1, "for all")]), tile(lambda: [Figure(2, "for few")], permission="print"))
    client.force_login(factories.user("newcomer"))
    shown = dashboard(client)

    assert "for all" in shown
    assert "for few" not in shown
    assert "you may not see anything yet" not in shown


# -- roles --


def test_roles_get_the_rights_that_a_plugin_wants_for_them(db, brings, roles):
    from portal.desk.roles import create_roles

    brings(Permission("print", "Can print labels", roles=("operator",)))
    kind = ContentType.objects.get_for_model(Plugin)
    right = Row.objects.create(content_type=kind, codename="labels:print", name="Can print labels")
    having = {role.name for role in create_roles() if right in role.permissions.all()}

    assert having == {"operator", "administrator"}


def test_a_plugin_s_right_is_called_by_its_plugin_where_roles_are_made(db, boss):
    kind = ContentType.objects.get_for_model(Plugin)
    Row.objects.create(content_type=kind, codename="labels:print", name="Can print labels")

    assert "Plugin labels | Can print labels" in boss.get(reverse("admin:auth_group_add")).content.decode()
