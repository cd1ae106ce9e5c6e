"""What plugins are to be told, written in the transaction in which it happens and so neither lost nor made up."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Least, Now
from django.utils import timezone

from portal.plugins.manager import plugins
from portal.sync.doors import knock
from portal.sync.models import Job, Notice

PREFIX = "tell:"
"""The job that tells a plugin is called by this and its name. Its cursor holds the names of the hooks it has."""

About = tuple[dict[str, Any], int | None]
"""What is told, and the primary key of the connection that it belongs to."""


def listeners(hook: str) -> list[str]:
    """Who is told: the plugins with that hook, and those installed ones that had it and cannot be used just now."""
    names = [each.plugin for each in plugins().implementations(hook)]
    away = {each.source.name for each in settings.PLUGINS.decided}.difference(plugins().names())
    if away:
        jobs = Job.objects.filter(name__in=[f"{PREFIX}{name}" for name in away], cursor__contains=hook)
        names += [name.removeprefix(PREFIX) for name in jobs.values_list("name", flat=True)]
    return names


def announce(hook: str, abouts: Iterable[About], now: datetime, *, only: Iterable[str] | None = None) -> None:
    """Let every listener be told of each, or ``only`` these of them. Costs nothing where nobody listens."""
    names = [name for name in listeners(hook) if only is None or name in only]
    if not names:
        return
    Notice.objects.bulk_create(
        Notice(plugin=name, hook=hook, about=about, connection_id=connection, created_at=now, due_at=now)
        for about, connection in abouts
        for name in names
    )
    _ring(names)


def retry_parked(plugin: str) -> int:
    """Tell the plugin again what was given up. Returns how much that is."""
    parked = Notice.objects.filter(plugin=plugin, parked_at__isnull=False)
    found = parked.update(parked_at=None, attempts=0, due_at=timezone.now())
    _ring([plugin])
    return found


def hooks_of(plugin: str) -> str:
    """The ``on_…`` hooks that the plugin has, as its job keeps them."""
    return " ".join(hook for hook in plugins().brings(plugin).hooks if hook.startswith("on_"))


def _ring(names: Iterable[str]) -> None:
    """Only after the commit: the job's row is the same for every connection, and whoever held it meanwhile would
    hold up, and could lock out, the pages of the others."""
    jobs = Job.objects.filter(name__in=[f"{PREFIX}{name}" for name in names], enabled=True)

    def bring_forward() -> None:
        jobs.update(due_at=Least(F("due_at"), Now()))
        knock(jobs.values_list("pk", flat=True))

    transaction.on_commit(bring_forward)
