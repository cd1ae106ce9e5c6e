"""The sidebar and the sign of the environment, for the person who looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from portal.desk.plugin_screens import sidebar_of_plugins
from portal.desk.show import may_view
from portal.sync.models import Case


@dataclass(frozen=True, slots=True)
class Place:
    """One line of the sidebar: the list of ``model`` (``app.model``), for those who may view it."""

    title: str
    icon: str
    model: str

    @property
    def link(self) -> str:
        return reverse(f"admin:{self.model.replace('.', '_')}_changelist")

    def open_to(self, request: HttpRequest) -> bool:
        # django-q2 has no list of its queue where a broker other than the database keeps it.
        return may_view(request, apps.get_model(self.model))


GROUPS: dict[str, list[Place]] = {
    "Work": [
        Place("Cases", "assignment_late", "sync.case"),
        Place("Operations", "outbox", "sync.operation"),
    ],
    "Records": [
        Place("Orders", "receipt_long", "records.order"),
        Place("Shipments", "local_shipping", "records.shipment"),
        Place("Refunds", "undo", "records.refund"),
        Place("Products", "inventory_2", "records.product"),
        Place("Stock", "warehouse", "records.stocklevel"),
        Place("Locations", "location_on", "records.location"),
    ],
    "Setup": [
        Place("Connections", "cable", "connections.connection"),
        Place("Flows", "route", "sync.flow"),
        Place("References", "link", "connections.reference"),
        Place("Plugins", "extension", "portal_plugins.plugin"),
    ],
    "Engine": [
        Place("Jobs", "event_repeat", "sync.job"),
        Place("Runs", "play_circle", "sync.run"),
        Place("Backfills", "history", "sync.backfill"),
        Place("Events", "webhook", "sync.event"),
        Place("Attempts", "send", "sync.attempt"),
        Place("Facts", "timeline", "sync.fact"),
        Place("Queue", "queue", "django_q.ormq"),
        Place("Failed tasks", "error", "django_q.failure"),
        Place("Finished tasks", "task_alt", "django_q.success"),
        Place("Schedule", "schedule", "django_q.schedule"),
    ],
    "People": [
        Place("Users", "person", "auth.user"),
        Place("Roles", "group", "auth.group"),
    ],
}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Only what this person may open; an open case shows as a number."""
    found = []
    for title, places in GROUPS.items():
        items = [
            {"title": place.title, "icon": place.icon, "link": place.link, **_badge(place)}
            for place in places
            if place.open_to(request)
        ]
        if title == "Work":
            items.insert(0, {"title": "Dashboard", "icon": "space_dashboard", "link": reverse("admin:index")})
        found.append({"title": title, "separator": title != "Work", "items": items})
        if title == "Setup":
            found += sidebar_of_plugins(request)
    return found


def _badge(place: Place) -> dict[str, Any]:
    if place.model != "sync.case":
        return {}
    number = Case.objects.filter(state=Case.State.OPEN).count()
    return {"badge": number, "badge_variant": "warning"} if number else {}


def environment(_: HttpRequest) -> list[str] | None:
    """The label in the header; none in production."""
    if settings.DEMO:
        return ["Demo", "warning"]
    if settings.DEBUG:
        return ["Development", "info"]
    return None
