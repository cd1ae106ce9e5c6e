"""Looks after one child: starts it, relays its lines, starts it again when it dies."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO

from portal.runner.child import Child
from portal.runner.group import Group
from portal.runner.keeper import Keeper

# The child waits at this gate until the keeper knows of it: were the runner killed in between, `read` meets the
# end of the pipe and the command never starts. `exec` keeps the process number.
GATE = 'read -r _ && exec "$@" </dev/null'

LONGEST_PAUSE = 30.0
# A child that ran this long was well: the next death starts again from the shortest pause.
WELL_AFTER = 60.0


class Watch(threading.Thread):
    """The thread that looks after `child`, until `stop` or `kill`."""

    def __init__(
        self, child: Child, *, keeper: Keeper, say: Callable[[str, str], None], pause: float
    ) -> None:
        super().__init__(name=f"watch-{child.name}", daemon=True)
        self._child = child
        self._keeper = keeper
        self._say = say
        self._pause = pause
        self._group: Group | None = None
        self._starting = threading.Lock()
        self._stopping = threading.Event()

    @property
    def pid(self) -> int | None:
        group = self._group
        return group.pid if group else None

    def run(self) -> None:
        pause = self._pause
        while not self._stopping.is_set():
            began = time.monotonic()
            ended = self._run_once()
            if self._stopping.is_set():
                return
            if time.monotonic() - began > WELL_AFTER:
                pause = self._pause
            self._say(self._child.name, f"{ended}; starting it again in {pause:g} s")
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def stop(self) -> None:
        """Ask the child to end, kill it when it has not after its `drain`, and wait for that."""
        group = self._stop_starting()
        if group:
            group.end(self._child.drain)
        self.join()

    def kill(self) -> None:
        """Kill the child and all it started, at once."""
        group = self._stop_starting()
        if group:
            group.kill()
        self.join()

    def _stop_starting(self) -> Group | None:
        self._stopping.set()
        with self._starting:
            return self._group

    def _run_once(self) -> str:
        """Run the child to its end; how it ended, in words."""
        with self._starting:
            if self._stopping.is_set():
                return "not started"
            try:
                process = self._spawn()
            except OSError as error:
                return f"could not be started ({error})"
            self._group = group = Group(process.pid)
        relay = threading.Thread(target=self._relay, args=(process.stdout,), daemon=True)
        relay.start()
        group.wait()
        # What the dead child had started, such as the workers of a cluster killed with -9, goes with it. Only
        # then does its output end; and its number cannot be another's before `wait` has collected it.
        group.kill()
        self._group = None
        status = process.wait()
        relay.join()
        self._keeper.ended(process.pid)
        return f"ended by signal {-status}" if status < 0 else f"ended with status {status}"

    def _spawn(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            ["/bin/sh", "-c", GATE, "sh", *self._child.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self._child.env},
            cwd=self._child.cwd,
            start_new_session=True,
        )
        self._keeper.started(process.pid, self._child.drain)
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
        return process

    def _relay(self, lines: IO[str]) -> None:
        for line in lines:
            self._say(self._child.name, line.rstrip("\n"))
