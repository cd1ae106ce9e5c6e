"""The portal's reading alone: ``go`` reads in its own process at every line, and says how many orders are stored."""

from __future__ import annotations

import sys
from datetime import timedelta

import django


def go() -> None:
    from django.utils import timezone

    from portal.records.models import Order
    from portal.sync.models import Job
    from portal.sync.tasks import answer

    job = Job.objects.get(connection__slug="shop", name="pull:order")
    print("ready", flush=True)
    for _ in sys.stdin:
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now() - timedelta(seconds=1))
        answer(job.pk)
        print(Order.objects.count(), flush=True)


if __name__ == "__main__":
    django.setup()
    from bench.portal.__main__ import prepare

    {"prepare": prepare, "go": go}[sys.argv[1]]()
