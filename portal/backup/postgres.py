"""PostgreSQL: dumped and restored by its own tools; the old tables are kept aside as a schema of another name."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from psycopg.conninfo import make_conninfo

from portal.backup.words import CannotBackUp, CannotRestore, stamp

SCHEMA = "public"
BEFORE = "before_"


@contextmanager
def snapshot() -> Iterator[str]:
    """A transaction that sees one moment; its name lets the dump see the same one."""
    with transaction.atomic():
        _run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield _run("SELECT pg_export_snapshot()")[0][0]


def dump(target: Path, seen: str) -> None:
    """Raises ``CannotBackUp``, with what pg_dump said."""
    words = [
        *("--format=custom", "--compress=0", "--no-owner", "--no-privileges", f"--schema={SCHEMA}"),
        *(f"--snapshot={seen}", f"--file={target}"),
    ]
    if said := _tool("pg_dump", words, CannotBackUp):
        raise CannotBackUp(f"pg_dump could not dump the database: {said}")


def restore(source: Path) -> str:
    """Put the dump in the place of the tables; the name of the schema where the old ones are now.

    Raises ``CannotRestore``; then the old tables are back in their place.
    """
    _find("pg_restore", CannotRestore)
    _alone()
    aside = _set_aside()
    words = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges", str(source)]
    said = _tool("pg_restore", words, CannotRestore)
    if said:
        _swap(aside, "")
        raise CannotRestore(f"pg_restore could not restore the dump, and the old tables are back: {said}")
    return aside


def newest_aside() -> str:
    rows = _run("SELECT max(nspname::text) FROM pg_namespace WHERE nspname LIKE %s", [f"{BEFORE}%"])
    return rows[0][0] or ""


def put_back(aside: str) -> str:
    """The tables kept aside take their place again; those of now are kept in the schema whose name is returned."""
    _alone()
    now = _new_name()
    _swap(aside, now)
    return now


def _set_aside() -> str:
    name = _new_name()
    _run(f'ALTER SCHEMA {SCHEMA} RENAME TO "{name}"')
    return name


def _swap(aside: str, now: str) -> None:
    """``now`` is the name that the present tables get; empty: they are dropped."""
    with transaction.atomic():
        if now:
            _run(f'ALTER SCHEMA {SCHEMA} RENAME TO "{now}"')
        else:
            _run(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        _run(f'ALTER SCHEMA "{aside}" RENAME TO {SCHEMA}')


def _new_name() -> str:
    return BEFORE + stamp().replace("-", "_")


def _alone() -> None:
    others = _run(
        "SELECT coalesce(nullif(application_name, ''), 'a client'), coalesce(host(client_addr), 'this host')"
        " FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'"
    )
    if others:
        who = ", ".join(sorted({f"{name} on {host}" for name, host in others}))
        raise CannotRestore(
            f"{len(others)} others are connected to the database ({who}): stop the portal on every host first."
        )


def _tool(name: str, words: Sequence[str], error: type[Exception]) -> str:
    """Run a tool against our database; what it complained of when it failed, else empty."""
    connection.ensure_connection()
    info = connection.connection.info
    # The password goes by the environment: a list of processes shows the words of a command to everybody.
    secret = {"PGPASSWORD": info.password} if info.password else {}
    done = subprocess.run(
        [_find(name, error), f"--dbname={make_conninfo(**info.get_parameters())}", *words],
        env=os.environ | secret,
        capture_output=True,
        text=True,
    )
    return done.stderr.strip()[-1000:] or f"status {done.returncode}" if done.returncode else ""


def _find(name: str, error: type[Exception]) -> str:
    if found := shutil.which(name):
        return found
    # Debian keeps every version's tools in a directory of its own; the newest speaks to all older servers.
    there = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if there:
        return str(there[-1])
    raise error(
        f"{name} was not found on this host. Install PostgreSQL's client of the server's version or newer (on "
        "Debian or Ubuntu: apt install postgresql-client), or put its directory into PATH."
    )


def _run(sql: str, values: Sequence[Any] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return cursor.fetchall() if cursor.description else []
