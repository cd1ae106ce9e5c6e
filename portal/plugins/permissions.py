"""The rights that plugins bring, as rows that staff can be given."""

from __future__ import annotations

from typing import Any

from django.apps import apps as everything
from django.apps.registry import Apps
from django.contrib.auth.models import Permission as Row
from django.contrib.contenttypes.models import ContentType

from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.sdk.contributions import Permission


def full(plugin: str, permission: str) -> str:
    """What Django calls the ``permission`` that something of the plugin names; empty for none."""
    if not permission or "." in permission:
        return permission
    return f"{Plugin._meta.app_label}.{plugin}:{permission}"


def make_permissions(apps: Apps = everything, **_: Any) -> None:
    """A row for every right of a plugin in use. Those of a plugin that is away stay with whoever has them.

    Runs after every ``migrate`` and when the pump starts; ``apps`` are the models whose tables are there by now.
    """
    try:
        apps.get_model("auth", "Permission")
    except LookupError:
        return
    kind = ContentType.objects.get_for_model(Plugin)
    Row.objects.bulk_create(
        (
            Row(content_type=kind, codename=f"{plugin}:{each.name}"[:100], name=each.title[:255])
            for plugin, each in plugins().brought(Permission)
        ),
        update_conflicts=True,
        unique_fields=["content_type", "codename"],
        update_fields=["name"],
    )
