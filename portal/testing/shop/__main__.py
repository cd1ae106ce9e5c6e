"""`python -m portal.testing.shop`: the shop as a process, until SIGINT or SIGTERM."""

import argparse
import signal
import threading
from pathlib import Path

from . import Plan, ShopServer
from .catalogue import ODD


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m portal.testing.shop", description="The demo shop, on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=8001, help="0 takes a free one")
    parser.add_argument(
        "--data", type=Path, help="directory that keeps the shop's state; in memory without it"
    )
    parser.add_argument("--token", default="demo-token", help="what API clients send as bearer token")
    parser.add_argument(
        "--fault-rate", type=float, default=0.0, help="share of API calls that go wrong, such as 0.05"
    )
    parser.add_argument(
        "--webhook-fault-rate", type=float, default=0.0, help="share of webhooks that go wrong"
    )
    parser.add_argument("--fault-seed", type=int, default=1)
    parser.add_argument(
        "--odd", choices=sorted(ODD), action="append", default=[], help="add SKUs that match nothing honestly"
    )
    parser.add_argument("--precision", choices=["seconds", "micros"], default="micros", help="of updated_at")
    asked = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    faults = Plan(rate=asked.fault_rate, webhook_rate=asked.webhook_fault_rate, seed=asked.fault_seed)
    shop = ShopServer(
        asked.data,
        asked.port,
        token=asked.token,
        faults=faults,
        odd=frozenset(asked.odd),
        precision=asked.precision,
    )
    with shop:
        print(f"The demo shop listens on {shop.url}", flush=True)  # noqa: T201
        stop.wait()


if __name__ == "__main__":
    main()
