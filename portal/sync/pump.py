"""The pump: sweeps what is due, and watches a canary go through broker, cluster, worker and database.

Any number may run; each round one of them leads, by a row's lease.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import suppress
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django_q.tasks import async_task

from portal.sync import mark, quarantine
from portal.sync.clock import db_now, in_
from portal.sync.models import Beat, Job
from portal.sync.sweep import sweep, take_back
from portal.sync.workers import my_name, surely_dead

logger = logging.getLogger(__name__)

LEAD = timedelta(seconds=15)
CANARY_EVERY = timedelta(seconds=10)
CANARY_LATE = timedelta(seconds=40)


def lead() -> bool:
    """Whether this process leads for the next moments: the first to renew the beat of one that is gone does."""
    name = my_name()
    beat, _ = Beat.objects.get_or_create(name="pump", defaults={"at": db_now() - LEAD * 2})
    gone = Q(at__lt=in_(-LEAD)) | Q(note__in=[name, *surely_dead([beat.note])])
    return bool(Beat.objects.filter(gone, name="pump").update(at=Now(), note=name))


def sing(beat: int) -> None:
    """The canary arrived: written by the worker, with where its cluster can be found."""
    place = f"{beat} {socket.gethostname()} {os.getpgid(0)}"
    Beat.objects.update_or_create(name="canary", defaults={"at": db_now(), "note": place})


def look() -> None:
    """Send a canary when the last one was answered and is old; restart a cluster that stays silent."""
    now = db_now()
    sent = Beat.objects.filter(name="canary-sent").first()
    heard = Beat.objects.filter(name="canary").first()
    answered = sent is not None and heard is not None and heard.at >= sent.at
    if sent is None or (answered and now - sent.at >= CANARY_EVERY):
        _send(int(sent.note or 0) + 1 if sent else 1)
    elif not answered and now - sent.at > CANARY_LATE and not _at_work():
        logger.error("No worker has answered for %d seconds.", (now - sent.at).total_seconds())
        if heard is not None:
            _kill_cluster(heard.note)
        _send(int(sent.note or 0) + 1)


def _at_work() -> bool:
    """Whether some job's lease is being kept: its worker lives, and the canary waits behind the work."""
    return Job.objects.filter(lease_until__gt=Now()).exists()


def _send(beat: int) -> None:
    Beat.objects.update_or_create(name="canary-sent", defaults={"at": db_now(), "note": str(beat)})
    try:
        async_task("portal.sync.tasks.canary", beat, group="canary")
    except Exception:
        logger.exception("The queue did not take the canary.")


def _kill_cluster(place: str) -> None:
    """End the stalled cluster with all its processes; whoever started it (runner, systemd) starts it again."""
    _, host, group = place.split()
    if host != socket.gethostname() or int(group) == os.getpgid(0):
        logger.error("The silent cluster ran on %s; restart it there.", host)
        return
    logger.error("The stalled cluster (process group %s) is killed, to be started again.", group)
    with suppress(ProcessLookupError):
        os.killpg(int(group), signal.SIGKILL)


def turn() -> None:
    """One round of the pump."""
    mark.look()
    take_back()
    if lead():
        quarantine.review()
        sweep()
        look()
