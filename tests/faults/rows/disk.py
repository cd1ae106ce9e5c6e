"""The disk of the database is full for a while, under the portal's real processes."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import DatabaseError, connection, connections

from tests.faults.house import wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

SIZE = 128 * 2**20
FULL = 5.0
"""Seconds without a free byte each time."""

PATIENCE = 150.0
RECOVERS = 3.0
"""Seconds for PostgreSQL to come up again by itself; whoever watches over it starts it when it has ended."""

SEGMENT = 16 * 2**20
"""Bytes of one file of PostgreSQL's write-ahead log."""

LITTLE_LOG = "max_wal_size = '32MB'\nmin_wal_size = '32MB'\n"
"""Else PostgreSQL keeps a gigabyte of it, and the disk is full long after the ballast is gone."""

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 1 << 18


@row(
    "The disk is full in the middle of the work, and free again; PostgreSQL goes down of it every second time",
    goal="10 times: 0 missing, 0 doubled, goes on by itself",
    order=62,
)
def disk(stack: Stack, scale: Scale) -> Figure:
    if not _may_mount():
        return Figure.none("only root may make a small disk, and in a container not even he")
    times, downs = scale(10), 0
    with _small_disk(stack) as place, Witness() as witness, stack.portal():
        trade = Trade(witness, 200 * times)
        for each, _ in enumerate(trade.in_the_middle(times, calls=10)):
            ballast = _fill(place)
            if stack.name == "sqlite":
                _use_up_the_room()
            elif each % 2 == 0:
                downs += _use_up_the_log()
            time.sleep(FULL)
            ballast.unlink()
            if not wait_until(_answers, PATIENCE if stack.name == "sqlite" else RECOVERS):
                stack.kill_database()
                stack.restart_database()
        quiet, spent = trade.come_to_rest(PATIENCE)
        down = "" if stack.name == "sqlite" else f", PostgreSQL down {downs} ×"
        return trade.figure(
            f"{times} × full for {FULL:.0f} s{down}, at rest {spent:.0f} s after the last",
            good=quiet and (stack.name == "sqlite" or downs > 0),
        )


def _may_mount() -> bool:
    """Whether from now on this process has mounts of its own."""
    try:
        _done(LIBC.unshare(CLONE_NEWNS))
        _done(LIBC.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    except PermissionError:
        return False
    return True


@contextmanager
def _small_disk(stack: Stack) -> Iterator[Path]:
    """Put the database on a disk of its own that nobody but our processes sees, gone when they are."""
    place = stack.place / ("data" if stack.name == "sqlite" else "postgres")
    connections.close_all()
    if stack.name != "sqlite":
        stack.kill_database()
    kept = place.with_name("kept")
    subprocess.run(["cp", "--archive", place, kept], check=True)
    _done(LIBC.mount(b"tmpfs", bytes(place), b"tmpfs", 0, f"size={SIZE}".encode()))
    subprocess.run(["cp", "--archive", f"{kept}/.", place], check=True)  # with its owners
    if stack.name != "sqlite":
        with (place / "postgresql.auto.conf").open("a") as settings:
            settings.write(LITTLE_LOG)
        stack.restart_database()
    yield place
    connections.close_all()


def _use_up_the_room() -> None:
    """SQLite goes on in the file that its log has grown to: with that used up, everybody meets the full disk."""
    for size in (65536, 4096):
        with suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("CREATE TABLE IF NOT EXISTS ballast (bytes)")
            while True:
                cursor.execute(f"INSERT INTO ballast VALUES (zeroblob({size}))")


def _use_up_the_log() -> bool:
    """Make PostgreSQL begin new files of its write-ahead log; whether it went down for want of room for one."""
    try:
        with connection.cursor() as cursor:
            for _ in range(SIZE // SEGMENT):
                cursor.execute(
                    "SELECT pg_logical_emit_message(false, 'fault', 'full', true), pg_switch_wal()"
                )
    except DatabaseError:
        return not connection.is_usable()
    finally:
        connection.close()
    return False


def _answers() -> bool:
    """Whether the database takes a connection."""
    try:
        connection.ensure_connection()
    except DatabaseError:
        return False
    finally:
        connection.close()
    return True


def _done(failed: int) -> None:
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _fill(place: Path) -> Path:
    """A file that takes every byte that is left, at once: what is in flight now is to meet the full disk."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (2**20, 4096):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
    return ballast
