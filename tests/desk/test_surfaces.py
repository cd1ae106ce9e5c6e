"""What holds for all that plugins bring to our pages: a switch, and rights by role."""

from django.contrib.auth.models import Permission as Row
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from portal.connections.plugin_switches import switch_for
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.records.models import Order, Product
from portal.sdk import Figure, Permission, Text
from tests.desk.brought import action, address, dashboard, page, panel, tile


def test_a_switched_off_plugin_shows_nothing_anywhere(one_of_each, boss, brings):
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


def test_off_for_one_connection_it_shows_nothing_on_what_comes_from_there(one_of_each, boss, brings):
    brings(panel(lambda subject: [Text("A panel.")]), action(lambda subject, by: "Done.", title="An action"))
    order, product = Order.objects.first(), Product.objects.first()
    assert order.origin != product.origin
    switch_for(order.origin, "labels", on=False)

    assert "A panel." not in page(boss, order)
    assert "An action" not in page(boss, order)
    assert boss.post(address(order, "do_of_plugin", "labels", "print")).status_code == 404
    assert "A panel." in page(boss, product)


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
