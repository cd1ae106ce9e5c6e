"""A process and everything it started: its process group, led by a process that need not be our child."""

import os
import select
import signal
from contextlib import suppress


class Group:
    """The group led by the running process `pid`. Raises ProcessLookupError when there is none.

    A file descriptor of the process stands for it, so that the end is seen at once and without polling, by
    its parent and by anybody else.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._leader = os.pidfd_open(pid)

    def __del__(self) -> None:
        if hasattr(self, "_leader"):
            os.close(self._leader)

    def end(self, drain: float) -> None:
        """Ask the leader to end, give it `drain` seconds, then kill it and its group.

        Only the leader is asked: a SIGTERM to the whole group would end django-q2's workers under its
        sentinel's hands, and it waits for them for ever.
        """
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._leader, signal.SIGTERM)
        if not self.wait(drain):
            self.kill()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the leader's end. False when it still runs after `seconds`."""
        watch = select.poll()
        watch.register(self._leader, select.POLLIN)
        return bool(watch.poll(None if seconds is None else seconds * 1000))

    def kill(self) -> None:
        """Kill what is left of the group; nothing happens when nothing is left."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
