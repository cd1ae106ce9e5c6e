"""Who holds a lease, named so that whoever shares its machine can tell for sure that it is dead.

A name is ``host:pid:born@machine``: a process id alone is given to another process some day, and the same id
means another process in another container. Where the machine does not tell (no ``/proc``) the name ends after
the id, nobody is ever surely dead, and the lease has to run out.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def my_name() -> str:
    """The name of this process, up to 100 characters."""
    return name_of(os.getpid())


def name_of(pid: int) -> str:
    """The name of a process of this machine."""
    host = socket.gethostname()[:50]
    return f"{host}:{pid}:{_born(pid)}{machine()}" if machine() else f"{host}:{pid}"


def process_of(name: str) -> int | None:
    """The id of the process of that name; None unless it surely runs on this machine, and is no other of that id."""
    here = machine() and name.endswith(machine()) and _alive(name)
    return int(name.split(":")[-2]) if here else None


def spoken(name: str) -> str:
    """What people need of it: ``host:pid``."""
    return ":".join(name.split(":")[:2])


@cache
def machine() -> str:
    """What the names of all processes end with that this one can see: this boot of this machine, and within it
    this container's process ids. Empty where that cannot be known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return "@" + hashlib.sha256(f"{boot} {namespace}".encode()).hexdigest()[:12]


def surely_dead(names: Iterable[str]) -> list[str]:
    """Those of the names whose process ran on this machine and is gone."""
    return [name for name in set(names) if machine() and name.endswith(machine()) and not _alive(name)]


def _alive(name: str) -> bool:
    _, pid, born = name.removesuffix(machine()).rsplit(":", 2)
    return _born(int(pid)) == born


def _born(pid: int) -> str:
    """When the process was started, in ticks since the boot; empty when it is dead, also when nobody buried it."""
    try:
        # Behind the command's name, which may hold anything.
        words = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
    except OSError:
        return ""
    return "" if words[0] in "ZX" else words[19]
