"""Backing up and restoring, whatever the database is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.db.models.functions import Now

from portal.backup import archive, postgres, sqlite
from portal.backup.manifest import Manifest, manifest, obstacles
from portal.backup.words import CannotBackUp, CannotRestore, stamp
from portal.sync import mark, quarantine
from portal.sync.clock import in_
from portal.sync.models import Beat, Job
from portal.sync.workers import spoken

ALIVE = timedelta(seconds=20)
"""A pump whose last sign of life is younger is running."""


def backups() -> Path:
    """Where backups are kept unless another place is named."""
    return Path(settings.DATA_DIR) / "backups"


def back_up(file: Path | None = None) -> tuple[Path, Manifest]:
    """Make a backup while the portal runs; the file and what it says about itself. Raises ``CannotBackUp``."""
    file = file or backups() / f"portal-{stamp()}.zip"
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists():
        raise CannotBackUp(f"{file} is there already; name another file.")
    with _scratch(file.parent) as place:
        dump = place / "dump"
        if connection.vendor == "sqlite":
            about = manifest()
            sqlite.dump(_sqlite_file(), dump)
        else:
            with postgres.snapshot() as name:
                about = manifest()
                postgres.dump(dump, name)
        return file, archive.pack(file, dump, about)


def restore(file: Path) -> str:
    """Put the backup in the place of the database and begin the quarantine; where the old one is now.

    Raises ``CannotRestore`` or ``Damaged``; then the database is as it was.
    """
    about = archive.read_manifest(file)
    if said := obstacles(about):
        raise CannotRestore(" ".join(said))
    refuse_while_running()
    known = _how_far()
    with _scratch(
        _sqlite_file().parent if connection.vendor == "sqlite" else Path(settings.DATA_DIR)
    ) as place:
        dump = place / "dump"
        archive.unpack(file, dump)
        if connection.vendor == "sqlite":
            connections.close_all()
            aside = sqlite.exchange(_sqlite_file(), dump)
        else:
            aside = postgres.restore(dump)
    _begin(f"./run manage restore put back {file.name}", known)
    return aside


def undo() -> str:
    """Put back the database that the last restore kept aside; where the one of now is kept.

    Raises ``CannotRestore``.
    """
    refuse_while_running()
    known = _how_far()
    if connection.vendor == "sqlite":
        path = _sqlite_file()
        if (aside := sqlite.newest_aside(path)) is None:
            raise CannotRestore(f"Nothing was kept aside beside {path}.")
        connections.close_all()
        kept = sqlite.put_back(path, aside)
    else:
        if not (name := postgres.newest_aside()):
            raise CannotRestore("No tables were kept aside in this database.")
        kept = postgres.put_back(name)
    _begin("./run manage restore --undo put back the database of before", known)
    return kept


def refuse_while_running() -> None:
    """Raises ``CannotRestore`` when a pump or a worker gave a sign of life a moment ago."""
    try:
        beat = Beat.objects.filter(name="pump", at__gt=in_(-ALIVE)).first()
        working = Job.objects.filter(lease_until__gt=Now()).count()
    except DatabaseError:
        return  # there is no database yet, or none that can be read: nothing runs on it
    if beat is not None:
        raise CannotRestore(
            f"The portal is running: its pump ({spoken(beat.note)}) gave a sign of life a moment ago. Stop the portal on "
            f"every host, wait {ALIVE.seconds} seconds, then restore."
        )
    if working:
        raise CannotRestore(
            f"Workers are at {working} job(s): stop the portal on every host and wait a minute, then restore."
        )


def prune(keep: int) -> list[Path]:
    """Remove all but the newest ``keep`` backups of the usual place; those removed."""
    old = sorted(backups().glob("portal-*.zip"))[:-keep]
    for file in old:
        file.unlink()
    return old


def _begin(how: str, known: int | None) -> None:
    """Bring the tables up to this version of the portal, then doubt what the database may have forgotten."""
    connections.close_all()
    call_command("migrate", interactive=False, verbosity=0)
    remembered = mark.this().moment
    quarantine.begin(
        how,
        remembered=mark.moment_of(remembered),
        known=mark.moment_of(known) if known and known > remembered else None,
    )
    mark.grow()


def _how_far() -> int | None:
    """How far the database has come that is about to be replaced, where it can still be asked."""
    try:
        return mark.this().moment
    except DatabaseError:
        return None


def _sqlite_file() -> Path:
    return Path(connection.settings_dict["NAME"])


@contextmanager
def _scratch(place: Path) -> Iterator[Path]:
    """A directory of our own; for SQLite beside the database, so that renaming suffices."""
    with tempfile.TemporaryDirectory(prefix=".portal-", dir=place) as name:
        yield Path(name)
