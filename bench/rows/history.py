"""Runs upon a long history: how long they take, and which of their statements read a large table from end to end."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from datetime import timedelta
from typing import Any

ORDERS = 500
TURNS = 4


def history(size: int) -> dict[str, Any]:
    """Upon ``size`` orders delivered before: the seconds of each run of 500 new ones, read and delivered; how many
    different statements the engine's daily work sends, and those of them that scan."""
    from django.db import connection

    from bench.plans import Explainer
    from bench.rows import past

    past.make(size)
    spent = [_run(turn) for turn in range(1, TURNS + 1)]
    explainer = Explainer(past.TABLES)
    with connection.execute_wrapper(explainer):
        _run(TURNS + 1)
        _hear()
        _look_after()
    scans = [f"{step} in {sql}" for step, sql in explainer.bad()]
    return {"seconds": spent[1:], "statements": len(explainer.plans), "scans": scans}


def _run(turn: int) -> float:
    body = json.dumps({"orders": ORDERS * turn, "keep": turn > 1}).encode()
    urllib.request.urlopen(f"{os.environ['BENCH_URL']}/reset", body).close()
    began = time.perf_counter()
    _work("pull:order", "shop")
    _work("deliver", "erp")
    return time.perf_counter() - began


def _work(name: str, slug: str) -> None:
    """One job, now, in this process."""
    from django.utils import timezone

    from portal.sync.models import Job
    from portal.sync.tasks import answer

    job = Job.objects.filter(name=name, connection__slug=slug)
    job.update(due_at=timezone.now() - timedelta(seconds=1), lease_until=None)
    answer(job.get().pk)


def _hear() -> None:
    """Two webhooks, one of them twice, and what they lead to."""
    from django.test import Client

    from bench.rows.webhooks import proof

    for number in (1, 1, ORDERS * TURNS):
        body = str(number).encode()
        Client().post("/hooks/shop/", body, "text/plain", headers=proof(body), SERVER_NAME="127.0.0.1")
    _work("inbox", "shop")


def _look_after() -> None:
    """What the pump does at every turn, and the page that staff keep open."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from portal.sync.outbox import doubt_lapsed, take_back
    from portal.sync.sweep import sweep

    sweep()
    doubt_lapsed()
    take_back()
    staff = Client(SERVER_NAME="127.0.0.1")
    staff.force_login(get_user_model().objects.create_superuser("bench"))
    staff.get("/admin/")
