"""The runner's keeper: a process that does nothing until the runner is gone, then ends what it left behind.

It reads from the runner's pipe `+PID DRAIN` for a child that starts and `-PID` for one that ended. The pipe
closes when the runner ends, however it ends; `kill -9` is the case this exists for.
"""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterable

from portal.runner.group import Group

MAIN = "from portal.runner.keeper import main; main()"
"""Not ``-m``: the package imports this module, and Python warns of a module that it then runs again."""


class Keeper:
    """The runner's end of the pipe. A keeper found dead is replaced."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._noted: dict[int, float] = {}
        self._hire()

    @property
    def pid(self) -> int:
        return self._process.pid

    def started(self, pid: int, drain: float) -> None:
        with self._lock:
            self._noted[pid] = drain
            self._tell(f"+{pid} {drain}\n")

    def ended(self, pid: int) -> None:
        with self._lock:
            del self._noted[pid]
            self._tell(f"-{pid}\n")

    def close(self) -> None:
        self._process.communicate()

    def _hire(self) -> None:
        # A session of its own: Ctrl-C in the terminal reaches the runner and not its keeper.
        self._process = subprocess.Popen(
            [sys.executable, "-c", MAIN], stdin=subprocess.PIPE, start_new_session=True
        )

    def _tell(self, line: str) -> None:
        try:
            self._write(line)
        except BrokenPipeError:
            self._process.wait()
            self._hire()
            self._write("".join(f"+{pid} {drain}\n" for pid, drain in self._noted.items()))

    def _write(self, text: str) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        pipe.write(text.encode())
        pipe.flush()


def keep(lines: Iterable[str]) -> None:
    """Follow `lines` to their end, then end every child still noted, the youngest first."""
    noted: dict[int, tuple[Group, float]] = {}
    for line in lines:
        pid, _, drain = line[1:].partition(" ")
        if line.startswith("-"):
            noted.pop(int(pid), None)
            continue
        try:
            noted[int(pid)] = (Group(int(pid)), float(drain))
        except ProcessLookupError:
            continue  # it is gone already, and the runner has seen to its group
    for group, seconds in reversed(noted.values()):
        group.end(seconds)
        group.kill()


def main() -> None:
    """The keeper's whole life."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    keep(sys.stdin)
