"""CPU seconds and memory of processes with everything they started, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the state on; none when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def tree(roots: Iterable[int]) -> set[int]:
    """These processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees, with that of children that ended and were waited for."""
    ticks = 0
    for pid in tree(roots):
        if fields := _stat(pid):
            ticks += sum(int(fields[place]) for place in (11, 12, 13, 14))
    return ticks / _TICK


@dataclass(frozen=True)
class Cpu:
    """Milliseconds for each delivery: of a candidate's own processes, and of the database and queue that they use."""

    own: float
    served: float

    @property
    def total(self) -> float:
        return self.own + self.served


class Meter:
    """Counts the CPU of these processes, and of the servers that they use, from its making on."""

    def __init__(self, own: Collection[int], servers: Collection[int]) -> None:
        self._own, self._servers = own, servers
        self._before = cpu_seconds(own), cpu_seconds(servers)

    def each(self, deliveries: int) -> Cpu:
        """Of so many, until now."""
        own, served = self._before
        return Cpu(
            (cpu_seconds(self._own) - own) / deliveries * 1000,
            (cpu_seconds(self._servers) - served) / deliveries * 1000,
        )


def memory_mb(roots: Iterable[int]) -> float:
    """Their memory in MB; what several share is counted once."""
    total = 0
    for pid in tree(roots):
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024
