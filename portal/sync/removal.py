"""Being rid of a plugin: what it leaves behind, an export of it, and its end. Its code is not needed for that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Permission
from django.core import serializers
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.connections.models import Connection, PluginPause, PluginSettings
from portal.plugins import tables
from portal.plugins.labels import app_label, apps_file
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.switches import switch
from portal.sync import purging
from portal.sync.cases import UNTOLD
from portal.sync.models import Case, Job, Notice
from portal.sync.notices import PREFIX


@dataclass(frozen=True, slots=True)
class Remains:
    """What one plugin leaves behind. `label` is its Django app's, empty for none that is known of; `distribution`
    its package's, empty when that is gone."""

    plugin: str
    label: str
    connections: tuple[Connection, ...]
    distribution: str

    @property
    def installed(self) -> bool:
        return bool(self.distribution)

    @property
    def own(self) -> list[tuple[str, QuerySet]]:
        """Rows of ours about the plugin, as people call them."""
        jobs = Q(name__startswith=f"plugin:{self.plugin}:") | Q(name=f"{PREFIX}{self.plugin}")
        prefix = f"{UNTOLD[0]}:{self.plugin}:"
        kind = {"content_type__app_label": Plugin._meta.app_label, "codename__startswith": f"{self.plugin}:"}
        return [
            ("jobs with their runs", Job.objects.filter(jobs)),
            ("notices that wait", Notice.objects.filter(plugin=self.plugin)),
            ("cases about it", Case.objects.filter(key__startswith=prefix)),
            ("settings", PluginSettings.objects.filter(plugin=self.plugin)),
            ("connections that it is off for", PluginPause.objects.filter(plugin=self.plugin)),
            ("permissions", Permission.objects.filter(**kind)),
        ]


def remains(plugin: str, label: str = "") -> Remains | None:
    """What there is of that plugin; None when nobody has ever heard of it.

    Its app and its connectors are asked of the plugin itself, then of what was noted of it when it was last in
    use; ``label`` names the app where neither is known.
    """
    row = Plugin.objects.filter(name=plugin).first()
    source = next((each.source for each in settings.PLUGINS.decided if each.source.name == plugin), None)
    if row is None and source is None and not label:
        return None
    if not label and source is not None and apps_file(source.module):
        label = app_label(source.module)
    keys = {*(row.connectors if row else ()), *plugins().connectors_of([plugin])}
    keys -= {key for key in keys if plugins().owner_of(key) not in ("", plugin)}
    return Remains(
        plugin,
        label or (row.app if row else ""),
        tuple(Connection.objects.filter(connector__in=keys)),
        source.distribution if source else "",
    )


def account(left: Remains) -> Iterator[str]:
    """Lines that tell what would go, and what cannot be told."""
    if left.label:
        names = tables.tables(left.label)
        yield from (f"  {tables.count(name):>8}  rows of the table {name}" for name in names)
        yield f"  {len(tables.migrations(left.label)):>8}  migrations of its app {left.label}, to be unapplied"
        if not tables.is_loaded(left.label):
            yield (
                f"Its app {left.label} is not loaded, so its migrations cannot be run backwards: its tables are found "
                "by their names and dropped. What a migration of it did elsewhere stays."
            )
    elif not left.installed:
        yield "Whether it had tables is not known; if so, name its Django app with --app."
    yield from (f"  {rows.count():>8}  {words}" for words, rows in left.own if rows.exists())
    for connection in left.connections:
        yield f"The connection {connection} ({connection.slug}) is of its connector {connection.connector}:"
        for belonging in purging.belongings([connection])[:-1]:
            if number := belonging.rows.count():
                yield f"  {number:>8}  {belonging.words}"


def write_export(left: Remains, path: Path) -> int:
    """Every row that goes, as a line of JSON. Returns how many lines were written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = 0
    with path.open("x", encoding="utf-8") as file:
        for line in _lines(left):
            file.write(f"{line}\n")
            lines += 1
    return lines


def remove(left: Remains, *, purge: bool) -> None:
    """The end of it. Raises ``purging.StillNeeded``, and then nothing but the switch has changed.

    While its package is still installed its row stays, switched off, so that it does not begin anew.
    """
    switch(left.plugin, on=False)
    with transaction.atomic():
        if purge:
            purging.purge(left.connections)
        else:
            purging.archive(left.connections)
        for _, rows in left.own:
            rows.delete()
    if left.label:
        tables.drop(left.label)
    if left.installed:
        Plugin.objects.filter(name=left.plugin).update(app="", connectors=[])
    else:
        Plugin.objects.filter(name=left.plugin).delete()


def export_path(plugin: str) -> Path:
    return Path(settings.DATA_DIR, "removed", f"{plugin}-{timezone.now():%Y%m%d-%H%M%S}.jsonl")


def _lines(left: Remains) -> Iterator[str]:
    if left.label:
        yield from tables.export(left.label)
    for _, rows in left.own:
        yield from serializers.serialize("jsonl", rows.order_by("pk").iterator()).splitlines()
    yield from purging.export(left.connections)
