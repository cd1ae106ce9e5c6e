"""The portal beside n8n, each on SQLite: poll → split → HTTP, and webhook → HTTP."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvloop

from bench.candidates import PORTAL_LITE, Candidate
from bench.candidates.on_n8n import HOME, NODE
from bench.contest import WARM_UP, Result, Stalled, Standing, in_turns, rounds, running, say, until
from bench.gauge import Meter, memory_mb
from bench.orders import raw
from bench.rows.webhooks import load, web
from bench.stage import ROOT, Stage

N8N = Candidate(
    "n8n, SQLite",
    "bench.candidates.on_n8n",
    "sqlite",
    workers=(("bench.candidates.on_n8n", "serve"),),
    group="queue",
)
_BEFORE = "2026-09-25"
"""Two days after that n8n: what it needs is taken as it was then."""

_BUILT = ("sqlite3", "isolated-vm")
"""Of what would be built for this machine, all that is needed here."""

_WANTED = ROOT / "bench" / "candidates" / "n8n.json"


def install() -> None:
    """n8n, and the Node that it needs, in the benchmark's own environment, once. Raises ``Stalled``."""
    wanted, stamp = _WANTED.read_text(encoding="utf-8"), HOME / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    if not shutil.which("npm"):
        raise Stalled("n8n is left out: it is installed with npm, which was not found.")
    say("Installing n8n, some minutes and about two gigabytes …")
    HOME.mkdir(exist_ok=True)
    (HOME / "package.json").write_text(wanted, encoding="utf-8")
    _npm("install", "--prefix", str(HOME / "node"), "node@24")
    headers = next(HOME.glob("node/**/include/node"), None)
    # What is built here is built for that Node, whatever this machine's own is.
    own = {"npm_config_nodedir": str(headers.parent.parent)} if headers else {}
    own["PATH"] = f"{NODE.parent}:{os.environ['PATH']}"
    _npm("install", "--ignore-scripts", f"--before={_BEFORE}", **own)
    _npm("rebuild", *_BUILT, **own)
    stamp.write_text(wanted, encoding="utf-8")


def _npm(*words: str, **own: str) -> None:
    command = ["npm", *words, "--no-audit", "--no-fund", "--legacy-peer-deps"]
    done = subprocess.run(command, cwd=HOME, env=os.environ | own, capture_output=True, text=True)
    if done.returncode:
        raise Stalled(f"n8n could not be installed: {done.stderr.strip()[-500:]}")


def polled(stage: Stage, orders: int, count: int) -> list[Standing]:
    """The standings of the portal and of n8n, reading and delivering."""
    return rounds(stage, [PORTAL_LITE, N8N], orders, count)


def heard(stage: Stage, orders: int, count: int) -> list[Standing]:
    """The same, from the first of so many webhooks to the last delivery. The portal asks the shop for the order; n8n is
    told all of it."""

    def run(candidate: Candidate) -> Result:
        stage.ask("/reset", {"orders": 0})
        with running(stage, candidate) as its, _door(candidate, its.own) as url:
            uvloop.run(load(url, _told(candidate, 1, WARM_UP)))
            until(stage, WARM_UP)
            time.sleep(0.5)
            meter, began = Meter(its.pids, stage.server_pids), time.time()
            uvloop.run(load(url, _told(candidate, WARM_UP + 1, orders)))
            until(stage, WARM_UP + orders)
            time.sleep(0.3)
            cpu, log = meter.each(orders), stage.ask("/log")
            return Result(
                rate=orders / (log["ended"] - began),
                cpu=cpu,
                memory=memory_mb(its.pids),
                lost=WARM_UP + orders - log["done"],
                doubled=log["doubled"],
            )

    return in_turns([PORTAL_LITE, N8N], count, run)


def _told(candidate: Candidate, first: int, count: int) -> list[bytes]:
    """The webhooks' bodies."""
    numbers = range(first, first + count)
    return [raw(number) if candidate is N8N else str(number).encode() for number in numbers]


@contextmanager
def _door(candidate: Candidate, own: dict[str, str]) -> Iterator[str]:
    """Where it hears webhooks."""
    if candidate is N8N:
        port = (Path(own["BENCH_DATABASE"]).parent / "port").read_text()
        yield f"http://127.0.0.1:{port}/webhook/hear"
        return
    with web(own) as url:
        yield f"{url}/hooks/shop/"
