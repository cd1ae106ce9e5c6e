"""Connectors of a vendor whose objects do things to the process that handles them: an id names what."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from portal.sdk import Field, Forged, Hint, Page, Promise, Receipt, read_each
from portal.sdk.records import KINDS

ROOM = 64 * 2**20
"""Bytes of memory beyond what the process has, for what eats memory."""


class Unpicklable(Exception):
    """Holds what cannot be handed to another process."""

    def __init__(self) -> None:
        super().__init__(lambda: 0)


class Stop(BaseException):
    """No ``Exception``, as Ctrl-C is none."""


def _raise(error: BaseException) -> NoReturn:
    raise error


def _eat() -> None:
    """All memory there is: of a bounded address space, so that the machine survives it."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + ROOM, before[1]))
    try:
        eaten = []
        while True:
            eaten.append(bytearray(2**20))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _recurse() -> None:
    _recurse()


ACTS: Mapping[str, Callable[[], Any]] = {
    "hang": lambda: time.sleep(3600),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "end": lambda: os._exit(3),
    "exit": lambda: sys.exit(3),
    "crash": lambda: ctypes.string_at(0),
    "stop": lambda: _raise(Stop()),
    "memory": _eat,
    "recursion": _recurse,
    "unpicklable": lambda: _raise(Unpicklable()),
    "raise": lambda: _raise(RuntimeError("a bug")),
}
"""What an object named ``poison-<word>`` does. What ends the process comes first: whoever reads the page again after
that meets the others again, which is no try of theirs."""


class Poisoned:
    """``handled`` is called with the id of everything that is handled, and writes it down first."""

    def handled(self, reference: str) -> None:
        if reference.startswith("poison-"):
            with Path(self.settings.notes).open("a") as notes:  # type: ignore[attr-defined]
                notes.write(f"{reference}\n")
            ACTS[reference.removeprefix("poison-")]()


def nasty(shop: type[Any], taker: type[Any]) -> list[type[Any]]:
    """The two connectors, made of the kit's ordinary ones."""

    class Settings(shop.Settings):
        notes: str = Field(title="Notes", description="The file in which every touch of a poison is written.")

    class NastyShop(Poisoned, shop):
        key, title = "nastyshop", "Shop with poison"

        def _read(self, kind: str, items: Any, cursor: str = "") -> Page[Any]:
            def read(raw: Any) -> Any:
                self.handled(raw["external_id"])
                return KINDS[kind].model_validate(raw)

            raws = [{name: value for name, value in each.items() if name != "kind"} for each in items]
            return read_each(raws, read, cursor=cursor, id_field="external_id")

        def hear(self, webhook: Any, secrets: Any) -> list[Hint]:
            hints = super().hear(webhook, secrets)
            if (word := hints[0].external_id).startswith("heard-"):
                ACTS[word.removeprefix("heard-")]()
                raise Forged("The poison did nothing.")
            return hints

    class NastyTaker(Poisoned, taker):
        key, title = "nastytaker", "Taker with poison"
        promises = {"order": Promise.SEARCHABLE, "refund": Promise.SEARCHABLE}

        def push_order(self, change: Any) -> Receipt:
            self.handled(change.record.external_id)
            return super().push_order(change)

    NastyShop.Settings = NastyTaker.Settings = Settings
    return [NastyShop, NastyTaker]
