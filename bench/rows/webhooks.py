"""Webhooks: how many are accepted beside an empty Django view, and how long until what one tells is delivered."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median, quantiles

import aiohttp
import uvloop

from bench.candidates import PORTAL_POSTGRES, Candidate
from bench.contest import Spread, Stalled, running, until
from bench.portal.__main__ import SECRET
from bench.stage import ROOT, Stage, end

IN_FLIGHT = 8
TURNS = 15


def accepted(stage: Stage, count: int) -> tuple[Spread, Spread]:
    """(Webhooks a second, their share of an empty view's requests), in turns on one server.

    Of one process: how connections fall to two of them can double the rate of either.
    """
    rates, shares = [], []
    with running(stage, PORTAL_POSTGRES, idle=True) as its, web(its.own, processes=1) as url:
        uvloop.run(load(f"{url}/hooks/shop/", [str(number).encode() for number in range(1, 50)]))
        for turn in range(1, TURNS + 1):
            numbers = range(turn * 10**6, turn * 10**6 + count)
            empty = uvloop.run(load(f"{url}/empty/", [b"{}"] * count))
            rates.append(uvloop.run(load(f"{url}/hooks/shop/", [str(each).encode() for each in numbers])))
            shares.append(rates[-1] / empty)
    return Spread.of(rates), Spread.of(shares)


def delivered(stage: Stage, candidate: Candidate, count: int) -> tuple[float, float]:
    """(p50, p99) in milliseconds from sending a webhook to the effect in the remote, nothing else going on."""
    waits, warm = [], 3
    stage.ask("/reset", {"orders": 0})
    with running(stage, candidate) as its, web(its.own) as url:
        time.sleep(3)
        for number in range(1, count + warm + 1):
            sent = time.time()
            body = str(number).encode()
            request = urllib.request.Request(f"{url}/hooks/shop/", body, proof(body))
            urllib.request.urlopen(request).close()
            until(stage, number, look=0.005)
            waits.append((stage.ask("/log")["ended"] - sent) * 1000)
            time.sleep(0.3)
    return median(waits[warm:]), quantiles(waits[warm:], n=100, method="inclusive")[98]


@contextmanager
def web(own: dict[str, str], *, processes: int = 2) -> Iterator[str]:
    """The portal's web server, with an empty view beside the portal's own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = ["gunicorn", "bench.portal.wsgi", "--bind", address, f"--workers={processes}", "--threads", "4"]
    command = [
        sys.executable,
        "-m",
        *words,
        "--keep-alive",
        "30",
        "--no-control-socket",
        "--log-level",
        "error",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=own)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"http://{address}/empty/").close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise Stalled("The web server did not come up.")
        yield f"http://{address}"
    finally:
        end(server)


def proof(body: bytes) -> dict[str, str]:
    signed = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return {"X-Bed": signed, "Content-Type": "application/json"}


async def load(url: str, bodies: list[bytes]) -> float:
    """Requests a second with several in flight. Raises ``Stalled`` when one is not accepted."""
    waiting = list(bodies)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as session:

        async def send() -> None:
            while waiting:
                body = waiting.pop()
                async with session.post(url, data=body, headers=proof(body)) as answer:
                    if answer.status != 200:
                        raise Stalled(f"{url} answered {answer.status}: {await answer.text()}")

        began = time.monotonic()
        await asyncio.gather(*[send() for _ in range(IN_FLIGHT)])
    return len(bodies) / (time.monotonic() - began)
