"""The disk of the database is full for a while, under the portal's real processes."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections

from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.faults.trade import Trade

SIZE = 64 * 2**20
FULL = 5.0
"""Seconds without a free byte each time."""

PATIENCE = 150.0
CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x00020000, 0x4000, 1 << 18


@row(
    "The disk is full in the middle of the work, and free again",
    goal="10 times: 0 missing, 0 doubled, goes on by itself",
    order=62,
)
def disk(stack: Stack, scale: Scale) -> Figure:
    if stack.name != "sqlite":
        return Figure.none("PostgreSQL's disk is its own; see the kills of the database")
    if os.geteuid() != 0:
        return Figure.none("only root may make a small disk")
    times = scale(10)
    with _small_disk(stack.place / "data") as place, Witness() as witness, stack.portal():
        trade = Trade(witness, 200 * times)
        for _ in trade.in_the_middle(times, calls=40):
            ballast = _fill(place)
            time.sleep(FULL)
            ballast.unlink()
        quiet, spent = trade.come_to_rest(PATIENCE)
        return trade.figure(
            f"{times} × full for {FULL:.0f} s, at rest {spent:.0f} s after the last", good=quiet
        )


@contextmanager
def _small_disk(place: Path) -> Iterator[Path]:
    """Put what lies in ``place`` on a disk of its own that nobody but our processes sees, gone when they are."""
    connections.close_all()
    kept = place.with_name("kept")
    shutil.copytree(place, kept)
    libc = ctypes.CDLL(None, use_errno=True)
    _done(libc.unshare(CLONE_NEWNS))
    _done(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None))
    _done(libc.mount(b"tmpfs", bytes(place), b"tmpfs", 0, f"size={SIZE}".encode()))
    shutil.copytree(kept, place, dirs_exist_ok=True)
    yield place
    connections.close_all()


def _done(failed: int) -> None:
    if failed:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _fill(place: Path) -> Path:
    """A file that takes every byte that is left."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return ballast
