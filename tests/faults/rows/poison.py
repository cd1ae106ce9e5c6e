"""Records that do things to whoever handles them: when they are read, when a webhook names them, when they are sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import time
import traceback
from collections import Counter
from pathlib import Path

from django.db import connections
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.sync import alone, deliver
from portal.sync.inbox import receive
from portal.sync.jobs import ensure_jobs
from portal.sync.models import CaseItem, Event, Job, Operation
from portal.sync.sweep import sweep, take_back
from portal.sync.tasks import answer
from portal.testing.processes import kill
from tests.faults.house import PLACE, busy, flow, tie
from tests.faults.plugin.nasty import ACTS
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import order

NEIGHBOURS = 20
MOST_TRIES = 5
LIMIT = 3.0
"""Seconds after which a worker that hangs is killed, as the cluster does after its own, longer time. One that sends ends
itself before."""

LONGEST = 400.0
"""Seconds for the whole row."""

PLACES = ("pull", "inbox", "deliver")


@row(
    f"Poison of {len(ACTS)} kinds ({', '.join(ACTS)}) in a page, behind a webhook and in what is sent, among neighbours",
    goal="all parked in ≤ 5 tries, neighbours unaffected",
    order=40,
)
def poison(stack: Stack, scale: Scale) -> Figure:
    deliver.HEARTBEAT, deliver.PATIENCE, alone.PATIENCE = 0.5, 1.0, 1.0
    good = [f"o{each}" for each in range(NEIGHBOURS)]
    bad = [f"poison-{each}" for each in ACTS]
    names = [each for pair in zip(good, bad, strict=False) for each in pair] + good[len(bad) :]
    with Witness() as witness:
        jobs = [job for place in PLACES for job in _company(stack, witness, place, names)]
        workers = _work(jobs)
        seen = {place: witness.seen(f"{place}-erp") for place in PLACES}
    tries = {place: Counter(_notes(stack, place).read_text().split()) for place in PLACES}
    parked = {
        "pull": _told("unreadable-order", "pull"),
        "inbox": _told("unreadable-order", "inbox"),
        "deliver": {
            label.removeprefix("#")
            for label in Operation.objects.filter(state__in=["held", "review"]).values_list(
                "label", flat=True
            )
        },
    }
    wrong = [
        f"{place}: {each} is not parked" for place in PLACES for each in bad if each not in parked[place]
    ]
    wrong += [
        f"{place}: {each} was tried {count} times"
        for place in PLACES
        for each, count in tries[place].items()
        if count > MOST_TRIES
    ]
    missing = [f"{place} lacks {each}" for place in PLACES for each in seen[place].missing("order", good)]
    doubled = [f"{place} has twice {each}" for place in PLACES for each in seen[place].doubled("order")]
    most = max(count for place in PLACES for count in tries[place].values())
    open_still = Event.objects.filter(state="new").count() + busy()
    return Figure(
        f"{len(bad)} kinds in {len(PLACES)} places: {len(bad) * len(PLACES) - len(wrong)} parked after {most} tries "
        f"at most; {NEIGHBOURS * len(PLACES)} neighbours: {len(missing)} missing, {len(doubled)} doubled",
        good=not (wrong or missing or doubled or open_still),
        notes=(*wrong[:6], *missing[:4], *doubled[:4], f"{workers} workers died; {open_still} still open"),
    )


def _company(stack: Stack, witness: Witness, place: str, names: list[str]) -> list[Job]:
    """A shop and a taker of its own for each place; the jobs that have to be done there."""
    notes = _notes(stack, place)
    notes.touch()
    nasty = {"shop": place != "deliver", "taker": place == "deliver"}
    shop, taker = (
        save_connection(
            Connection(slug=f"{place}-{slug}", name=f"{place}-{slug}", connector=connector),
            {"url": witness.room(f"{place}-{slug}", promise="C"), "notes": str(notes)},
        )
        for slug, connector in (
            ("shop", "nastyshop" if nasty["shop"] else "faultshop"),
            ("erp", "nastytaker" if nasty["taker"] else "faultc"),
        )
    )
    tie(shop, taker)
    flow("order", shop, taker)
    ensure_jobs()
    told = [
        order(each, location=PLACE).model_copy(update={"external_id": name, "number": f"#{name}"})
        for each, name in enumerate(names)
    ]
    witness.tell(shop.slug, told)
    if place == "inbox":
        for name in names:
            body = json.dumps({"event": name, "topic": "order.changed", "id": name}).encode()
            digest = hmac.digest(shop.webhook_secrets[0].encode(), body, hashlib.sha256)
            receive(shop.slug, {"x-sign": base64.b64encode(digest).decode()}, body)
    first = shop.jobs.get(name="inbox" if place == "inbox" else "pull:order")
    return [first, taker.jobs.get(name="deliver")]


def _work(jobs: list[Job]) -> int:
    """One worker after the other takes a job until nothing is left to do; how many died."""
    died, end = 0, time.monotonic() + LONGEST
    while time.monotonic() < end:
        for job in jobs:
            Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
            died += not _worker(job.pk, LONGEST if job.name == "deliver" else LIMIT)
            take_back()
        sweep()
        unread = Job.objects.filter(pk__in=[job.pk for job in jobs], name="pull:order", attempts__gt=0)
        if not busy() and not unread.exists() and not Event.objects.filter(state="new").exists():
            return died
        time.sleep(0.2)
    return died


def _worker(job: int, limit: float) -> bool:
    """A worker's turn with the job; whether it came to its end."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            answer(job)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + limit
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > end:
            kill(child)
        time.sleep(0.01)
    return ended[1] == 0


def _told(cause: str, place: str) -> set[str]:
    """What stands in a case of that shop."""
    items = CaseItem.objects.filter(
        case__cause=cause, case__connection__slug=f"{place}-shop", resolved_at=None
    )
    return {label.removeprefix("order ") for label in items.values_list("label", flat=True)}


def _notes(stack: Stack, place: str) -> Path:
    return stack.place / f"{place}.notes"
