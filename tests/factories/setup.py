"""People, connections and flows."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.utils import timezone

from portal.connections.models import Connection
from portal.sync.models import Flow


def user(name="staff", *roles, superuser=False, password="password"):
    made = User.objects.create_user(
        name, f"{name}@example.com", password, is_staff=True, is_superuser=superuser
    )
    made.groups.set(Group.objects.filter(name__in=roles))
    return made


def shop(slug="shop", **more):
    values = {
        "connector": "demoshop",
        "name": "Demo shop",
        "settings": {"url": "http://127.0.0.1:8001"},
        "credentials": {"token": "shop-token"},
        "health_text": "Kiosk & Co, sells in EUR, GBP.",
    }
    return connection(slug, **{**values, **more})


def erp(slug="erp", **more):
    values = {
        "connector": "tryton",
        "name": "Tryton",
        "settings": {"url": "http://127.0.0.1:8002", "database": "demo", "web_shop": "Demo shop"},
        "credentials": {"key": "erp-key"},
        "health_text": "Kiosk & Co, warehouses WH1, WH2",
    }
    return connection(slug, **{**values, **more})


def connection(slug, **values):
    since = timezone.now() - timedelta(hours=31)
    return Connection.objects.create(slug=slug, **{"health": "good", "health_since": since, **values})


def flow(kind, source, target, state=Flow.State.LIVE):
    return Flow.objects.create(kind=kind, source=source, target=target, state=state)
