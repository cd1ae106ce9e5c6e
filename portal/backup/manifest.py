"""What a backup says about itself: enough to know whether it can be restored here, before anything is touched."""

from __future__ import annotations

import hashlib
from datetime import datetime
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone
from pydantic import BaseModel, ConfigDict

from portal.connections.models import Connection
from portal.plugins.discovery import PORTAL, installed
from portal.records.models import Order, Product
from portal.sync import mark
from portal.sync.models import Case, Operation

Migrations = dict[str, list[str]]
COUNTED: tuple[type[Any], ...] = (Connection, Product, Order, Operation, Case)


class Manifest(BaseModel):
    """``moment`` is the database's mark in it, in microseconds since 1970; ``keys`` are fingerprints, the first
    being of the key that encrypts; ``sha256`` and ``size`` are those of the dump."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    made_at: datetime
    portal: str
    engine: str
    database: str
    moment: int
    migrations: Migrations
    plugins: dict[str, str]
    keys: list[str]
    rows: dict[str, int]
    sha256: str = ""
    size: int = 0


def manifest() -> Manifest:
    """Of the database as it is now; on PostgreSQL within the caller's transaction."""
    row = mark.this()
    return Manifest(
        made_at=timezone.now(),
        portal=version(PORTAL),
        engine=connection.vendor,
        database=str(row.database),
        moment=row.moment,
        migrations=applied_migrations(),
        plugins={source.name: source.version for source in installed()},
        keys=fingerprints(),
        rows={str(model._meta.verbose_name_plural): model.objects.count() for model in COUNTED},
    )


def applied_migrations() -> Migrations:
    found: Migrations = {}
    for app, name in sorted(MigrationLoader(connection).applied_migrations):
        found.setdefault(app, []).append(name)
    return found


def fingerprints() -> list[str]:
    """By which a key is told from another; nothing of the key can be learned from it."""
    return [hashlib.sha256(b"portal " + key.encode()).hexdigest()[:12] for key in settings.CREDENTIAL_KEYS]


def obstacles(found: Manifest) -> list[str]:
    """Sentences that say why this backup cannot be restored by this portal."""
    said = []
    if found.format != 1:
        return ["The backup was made by a newer portal, whose backups this one cannot read. Upgrade first."]
    if found.engine != connection.vendor:
        said.append(
            f"The backup is of {found.engine}, and DATABASE_URL names {connection.vendor}: set DATABASE_URL to "
            "the same kind of database."
        )
    loader = MigrationLoader(None)
    newer = sorted(
        f"{app}.{name}"
        for app, names in found.migrations.items()
        if app in loader.migrated_apps
        for name in names
        if (app, name) not in loader.disk_migrations and not _replaced(loader, app, name)
    )
    if newer:
        said.append(
            f"The backup was made by portal {found.portal}, which is newer than this one: it has the "
            f"migration(s) {', '.join(newer[:5])}{' …' if len(newer) > 5 else ''}. Upgrade, then restore."
        )
    return said


def warnings(found: Manifest) -> list[str]:
    """Sentences about what will lack after the restore, and how to mend it."""
    said = []
    if found.keys and found.keys[0] not in fingerprints():
        said.append(
            f"Its credentials were encrypted with the key {found.keys[0]}, and PORTAL_CREDENTIAL_KEYS has "
            f"{', '.join(fingerprints())}: passwords and tokens of connections cannot be read until that key "
            "is put behind the current one, or until they are entered anew."
        )
    here = {source.name for source in installed()}
    if lacking := sorted(set(found.plugins) - here):
        said.append(f"Plugins of it are not installed here, and what needs them waits: {', '.join(lacking)}.")
    return said


def _replaced(loader: MigrationLoader, app: str, name: str) -> bool:
    return any((app, name) in migration.replaces for migration in loader.disk_migrations.values())
