"""Killing real processes: whose child is whose, dying at once, and leaving nothing behind. Linux only."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36


def die() -> None:
    """End this process as a power cut would: nothing is flushed, closed or told to anybody."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill(pid: int) -> None:
    """``kill -9``; nothing happens when it is gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def adopt_orphans() -> None:
    """From now on grandchildren whose parent dies become children of this process, where they are found."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid: int) -> list[int]:
    """The process ids of the direct children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def descendants(pid: int) -> list[int]:
    """Everything that this process started, and what that started, parents first."""
    found, wave = [], [pid]
    while wave:
        wave = [child for each in wave for child in children(each)]
        found += wave
    return found


def bury(pid: int) -> None:
    """Wait for the end of a child, so that nobody takes it for living; nothing happens when it is not ours."""
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


def kill_descendants(spare: Collection[int] = ()) -> None:
    """Kill all that this process started, but ``spare`` and what those started, and bury the dead."""
    kept = {pid for each in spare for pid in (each, *descendants(each))}
    while left := [pid for pid in descendants(os.getpid()) if pid not in kept and not _buried(pid)]:
        for pid in left:
            kill(pid)
        for pid in left:
            bury(pid)


def _buried(pid: int) -> bool:
    """Whether it is dead and somebody else's to bury."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    return state[0] == "Z" and int(state[1]) != os.getpid()
