"""What the plugin `labels` brings to our pages in a test, and how such a page is opened."""

from django.urls import reverse

from portal.connections.models import Connection
from portal.plugins.models import Plugin
from portal.records.models import Location, Order, Product, Refund, Shipment, StockLevel
from portal.sdk import RecordAction, RecordPanel, Tile
from portal.sync.models import Case

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


class Shy:
    """A value that cannot be shown."""

    def __str__(self):
        return broken()


def failures():
    return list(Plugin.objects.filter(name="labels").values_list("failures", "last_error"))


def press(client, row, name="print", **answers):
    return client.post(address(row, "do_of_plugin", "labels", name), answers, follow=True).content.decode()
