from __future__ import annotations

import logging
import signal
from threading import Event
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django_q.models import Schedule

from portal.plugins.permissions import make_permissions
from portal.plugins.switches import remember
from portal.sync.jobs import ensure_jobs
from portal.sync.pump import turn

logger = logging.getLogger(__name__)

PAUSE = 0.5


class Command(BaseCommand):
    help = "Rings for what is due, twice a second, and restarts a cluster that stalls. Any number may run."

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        Schedule.objects.update_or_create(
            name="tick",
            defaults={"func": "portal.sync.tasks.tick", "schedule_type": Schedule.MINUTES, "minutes": 1},
        )
        ensure_jobs()
        remember()
        make_permissions(apps)
        self.stdout.write("The pump is running.")
        while not stop.wait(PAUSE):
            try:
                turn()
            except DatabaseError:
                logger.exception("The database is away; the pump tries again.")
                connection.close()
