"""The usual roles, as groups with permissions."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from portal.plugins.manager import plugins
from portal.plugins.permissions import full
from portal.sdk import Permission as Right

RECORDS = ["connections", "portal_plugins", "records", "sync"]
MENDING = ["sync.mend_operation", "sync.mend_case"]

EXTRA: dict[str, list[str]] = {
    "viewer": [],
    "operator": [
        *MENDING,
        "sync.switch_flow",
        "sync.change_job",
        "sync.add_backfill",
        "sync.change_backfill",
        "sync.change_event",
        "sync.end_quarantine",
        "connections.test_connection",
    ],
    "mapper": ["connections.change_reference", "sync.mend_case"],
    "finance": MENDING,
}
"""What each role may do beyond looking at everything."""


def create_roles() -> list[Group]:
    """Make the roles, or bring them back to what they are. People in them stay in them."""
    shown = [*RECORDS, *filter(None, (plugins().brings(name).app for name in plugins().names()))]
    looking = Permission.objects.filter(content_type__app_label__in=shown, codename__startswith="view_")
    made = []
    for name, extra in EXTRA.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set([*looking, *named([*extra, *_of_plugins(name)])])
        made.append(group)
    group, _ = Group.objects.get_or_create(name="administrator")
    everything = Q(content_type__app_label__in=shown)
    people = Q(content_type__app_label="auth", content_type__model__in=["user", "group"])
    queue = Q(content_type__app_label="django_q", codename__startswith="view_")
    group.permissions.set(Permission.objects.filter(everything | people | queue))
    return [*made, group]


def _of_plugins(role: str) -> list[str]:
    """The rights that plugins want this role to have."""
    return [full(plugin, each.name) for plugin, each in plugins().brought(Right) if role in each.roles]


def named(codes: list[str]) -> list[Permission]:
    """Permissions by ``app.codename``. Raises ``Permission.DoesNotExist`` for one that is not there."""
    found = []
    for code in codes:
        app, _, codename = code.partition(".")
        found.append(Permission.objects.get(content_type__app_label=app, codename=codename))
    return found
