"""The demo's user, connections and flows. Doing it again changes nothing but the addresses."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.core.management import call_command

from portal.connections.models import Connection, Reference
from portal.connections.services import check_connection, save_connection
from portal.demo.stage import TOKEN, Stage
from portal.records.models import Location
from portal.sync.doors import ring_pulls
from portal.sync.jobs import ensure_jobs
from portal.sync.mending import tie
from portal.sync.models import Flow
from portal.sync.switching import switch

USER = PASSWORD = "demo"  # noqa: S105 - it says so on the terminal, and it listens on this machine only
FLOWS = [
    ("order", "shop", "erp", 3),
    ("refund", "shop", "erp", 3),
    ("stock", "erp", "shop", 10),
    ("shipment", "erp", "shop", 5),
]
"""Kind, source, target, and the seconds between two readings, short so that there is something to see."""

SHOP_NAME_FOR = {"wien-1": "VIE"}
"""What the shop calls a warehouse, where it is not the warehouse's own code: a person ties these."""


def set_up(stage: Stage) -> None:
    """Make or renew everything, and switch all flows on."""
    user = _user()
    tryton = stage.tryton
    shop = _connection("shop", "Demo shop", "demoshop", {"url": stage.shop_url, "token": TOKEN})
    erp = _connection(
        "erp",
        "Tryton",
        "tryton",
        {"url": tryton.url, "database": tryton.database, "key": tryton.key, "web_shop": tryton.web_shop},
    )
    ends = {"shop": shop, "erp": erp}
    for kind, source, target, every in FLOWS:
        flow, created = Flow.objects.get_or_create(
            kind=kind, source=ends[source], target=ends[target], defaults={"every": every}
        )
        if created:
            switch(flow, Flow.State.LIVE, user)
    ensure_jobs()
    for connection in ends.values():
        check_connection(connection)
        ring_pulls(connection, ["hooks"])


def tie_warehouses() -> int:
    """What a person does under References: say which of our warehouses the shop means. Returns what is left."""
    untied = Reference.objects.filter(connection__slug="shop", kind="location", record_id=None)
    for reference in untied.filter(label__in=SHOP_NAME_FOR):
        location = Location.objects.filter(code=SHOP_NAME_FOR[reference.label]).first()
        if location is not None:
            tie(reference, location.pk, USER)
    return Reference.objects.filter(connection__slug="shop", kind="location").count() - len(SHOP_NAME_FOR)


def _user() -> str:
    call_command("create_roles", verbosity=0)
    model = get_user_model()
    if not model.objects.filter(username=USER).exists():
        model.objects.create_superuser(USER, "demo@example.test", PASSWORD)
    return USER


def _connection(slug: str, name: str, connector: str, values: dict[str, str]) -> Connection:
    connection = Connection.objects.filter(slug=slug).first() or Connection(
        slug=slug, name=name, connector=connector
    )
    return save_connection(connection, values)
