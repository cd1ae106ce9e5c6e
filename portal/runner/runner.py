"""Keeps children running until it is told to stop, then stops them in the opposite order of their start."""

import sys
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from portal.runner.child import Child
from portal.runner.keeper import Keeper
from portal.runner.watch import Watch


def to_terminal(name: str, line: str) -> None:
    """One write a line, so that lines of several children never mix."""
    sys.stdout.write(f"{name:>8} │ {line}\n")
    sys.stdout.flush()


class Runner:
    """A context manager: children run inside the `with` block and are gone after it.

    `say(name, line)` gets every line a child prints, and the runner's own words about it; it is called from
    several threads. `pause` is the first wait, in seconds, before a dead child is started again; it doubles
    with each death, up to half a minute.
    """

    def __init__(
        self,
        children: Iterable[Child] = (),
        *,
        say: Callable[[str, str], None] = to_terminal,
        pause: float = 1.0,
    ) -> None:
        self._children = tuple(children)
        self._say = say
        self._pause = pause
        self._watches: dict[str, Watch] = {}

    def __enter__(self) -> Self:
        self.keeper = Keeper()
        try:
            for child in self._children:
                self.start(child)
        except BaseException:
            self._stop_all()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop_all()

    def start(self, child: Child) -> None:
        """Start one more child. Raises ValueError when one of its name runs already."""
        if child.name in self._watches:
            raise ValueError(f"A child named {child.name} runs already.")
        watch = self._watches[child.name] = Watch(child, keeper=self.keeper, say=self._say, pause=self._pause)
        watch.start()

    def stop(self, name: str) -> None:
        """Stop one child, for good. Raises KeyError when none of that name runs."""
        self._watches[name].stop()
        del self._watches[name]

    def pid(self, name: str) -> int | None:
        """The process number of a child; None while it is down between two starts."""
        return self._watches[name].pid

    def _stop_all(self) -> None:
        """Stop in order. Ctrl-C or another signal that raises while this waits ends the waiting: all are
        killed."""
        try:
            for name in reversed(list(self._watches)):
                self.stop(name)
        except BaseException:
            for watch in self._watches.values():
                watch.kill()
            raise
        finally:
            self.keeper.close()
