"""The roles ``prepare`` and ``go`` of the portal. Its workers are its own: qcluster and pump."""

from __future__ import annotations

import os
import sys
from datetime import timedelta

import django

SECRET = "bench-webhook-secret"


def prepare() -> None:
    """The database, the shop and its ERPs, a live flow to each; and who is who is known everywhere."""
    from django.core.management import call_command
    from django.utils import timezone

    from portal.connections.models import Connection
    from portal.connections.services import save_connection
    from portal.sync.jobs import ensure_jobs
    from portal.sync.models import Flow, Job
    from portal.sync.tasks import answer

    call_command("migrate", verbosity=0)

    def connect(slug: str, connector: str, prefix: str = "") -> Connection:
        connection = Connection(slug=slug, name=slug, connector=connector, webhook_secrets=[SECRET])
        return save_connection(connection, {"url": os.environ["BENCH_URL"], "prefix": prefix})

    shop, erps = connect("shop", "bedshop"), [connect("erp", "bederp")]
    erps += [
        connect(f"erp{n}", "bederp", f"erp{n}-")
        for n in range(2, int(os.environ.get("BENCH_TARGETS", "1")) + 1)
    ]
    for erp in erps:
        Flow.objects.create(kind="order", source=shop, target=erp, state=Flow.State.LIVE, every=24 * 3600)
    ensure_jobs()
    for connection in (*erps, shop):
        for name in ("pull:location", "pull:product"):
            answer(Job.objects.get(connection=connection, name=name).pk)
    # What belongs to no order waits for another day.
    others = Job.objects.exclude(name__startswith="deliver").exclude(name="inbox")
    others.update(due_at=timezone.now() + timedelta(days=1))


def go() -> None:
    """At every line read, the orders are due."""
    from portal.connections.models import Connection
    from portal.sync.doors import ring_pulls

    shop = Connection.objects.get(slug="shop")
    print("ready", flush=True)
    for _ in sys.stdin:
        ring_pulls(shop, ["pull:order"])


if __name__ == "__main__":
    django.setup()
    {"prepare": prepare, "go": go}[sys.argv[1]]()
