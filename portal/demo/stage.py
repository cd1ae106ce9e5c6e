"""The two remote systems of the demo: the demo shop as a child process, and a real Tryton server."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.tryton.server import TrytonServer
from portal.runner import Child, Runner
from portal.sdk import Http, RetryLater
from portal.testing.shop import CATALOGUE

TOKEN = "demo-token"  # noqa: S105 - of a shop that lives on this machine for the length of the demo


@dataclass(frozen=True)
class Stage:
    """Where the two systems are. ``shop`` speaks to the shop behind the scenes, without faults."""

    runner: Runner
    shop_url: str
    shop: Http
    tryton: TrytonServer

    def ask_shop(self, path: str) -> Any:
        return self.shop.get(f"/_demo/{path}").json()

    def start_day(self, *, orders: int, refunds: int, seconds: float) -> Any:
        """The shop's customers come. A day that has been is not repeated."""
        plan = {"orders": orders, "refunds": refunds, "seconds": seconds}
        return self.shop.post("/_demo/day", json=plan).json()


@contextmanager
def staged(directory: Path, *, faults: float, say: Callable[[str], None]) -> Iterator[Stage]:
    """Both systems on the data in ``directory``, running until the end of the block."""
    with ExitStack() as stack:
        prepared = TrytonServer.prepare(CATALOGUE, say)
        say("Starting Tryton …")
        tryton = stack.enter_context(TrytonServer.start(directory / "tryton", prepared))
        runner = stack.enter_context(Runner(say=lambda name, line: say(f"{name}: {line}")))
        port = free_port()
        runner.start(
            Child(
                "shop",
                [
                    *(sys.executable, "-m", "portal.testing.shop", "--port", str(port)),
                    *("--data", str(directory / "shop"), "--token", TOKEN),
                    *("--fault-rate", str(faults), "--webhook-fault-rate", str(faults)),
                ],
            )
        )
        url = f"http://127.0.0.1:{port}"
        shop = Http(url)
        stack.callback(shop.close)
        _wait_for(shop)
        yield Stage(runner, url, shop, tryton)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(shop: Http, tries: int = 100) -> None:
    for left in reversed(range(tries)):
        try:
            shop.get("/_demo/day")
            return
        except RetryLater:
            if not left:
                raise
            time.sleep(0.1)
