"""SQLite: copied by its own backup interface while others write, exchanged by renaming files."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from portal.backup.words import CannotRestore, Damaged, stamp

PATIENCE = 20.0


def dump(database: Path, target: Path) -> None:
    """A consistent copy in one file. In one step: a reader holds up no writer, and no writer makes it begin anew."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=PATIENCE)) as source:
        with closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            _whole(copy, target)


def exchange(database: Path, restored: Path) -> str:
    """Put ``restored`` in the place of the database and keep the old one beside it; the old one's name.

    At no moment is there no database. Raises ``CannotRestore`` while somebody has it open.
    """
    with closing(sqlite3.connect(restored)) as copy:
        _whole(copy, restored)
    if not database.exists():
        restored.replace(database)
        return ""
    _alone(database)
    # Whoever restores, perhaps root, the portal's own user has to open it.
    owner = database.stat()
    restored.chmod(owner.st_mode & 0o777)
    os.chown(restored, owner.st_uid, owner.st_gid)
    aside = database.with_name(f"{database.name}.before-{stamp()}")
    aside.hardlink_to(database)
    for part in ("-wal", "-shm"):  # left by a database that is damaged: they must not meet the new one
        beside = database.with_name(database.name + part)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + part))
    restored.replace(database)
    return aside.name


def newest_aside(database: Path) -> Path | None:
    return max(database.parent.glob(f"{database.name}.before-*[0-9]"), default=None)


def put_back(database: Path, aside: Path) -> str:
    """The other way round: what is there now is kept aside. Returns its name."""
    return exchange(database, aside)


def _alone(database: Path) -> None:
    """Fold the write-ahead log into the file, which works only for whoever has it alone.

    A database that is too damaged for that is put aside as it is.
    """
    with closing(sqlite3.connect(database, timeout=1)) as old:
        try:
            old.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise CannotRestore(
                    f"Another process has {database} open ({error}): stop the portal first."
                ) from error


def _whole(copy: sqlite3.Connection, path: Path) -> None:
    try:
        said = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        said = str(error)
    if said != "ok":
        raise Damaged(f"The copy of the database in {path} is damaged: {said}")
