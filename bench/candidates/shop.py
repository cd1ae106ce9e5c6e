"""The two calls of the job, and the role ``go``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import requests

from bench.orders import sale

URL = os.environ.get("BENCH_URL", "")


@cache
def session() -> requests.Session:
    """One kept-alive session a process."""
    return requests.Session()


def pages(after: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
    more = True
    while more:
        told = session().get(f"{URL}/orders", params={"after": after}, timeout=60).json()
        after, more = told["next"], told["more"]
        if told["items"]:
            yield told["items"], after


def deliver(order: dict[str, Any]) -> str:
    """One call; the ERP's id."""
    headers = {"Idempotency-Key": order["id"]}
    answer = session().post(f"{URL}/sales", json=sale(order), headers=headers, timeout=60)
    answer.raise_for_status()
    remote_id: str = answer.json()["id"]
    return remote_id


def serve(poll: Callable[[int], int]) -> None:
    """Poll on from where it stopped at every line read."""
    after = 0
    print("ready", flush=True)
    for _ in sys.stdin:
        after = poll(after)
