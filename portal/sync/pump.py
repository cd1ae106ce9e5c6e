"""The pump: sweeps what is due, and watches a canary go through broker, cluster, worker and database.

Any number may run; each round one of them leads, by a row's lease.
"""

from __future__ import annotations

import logging
import os
import signal
from contextlib import suppress
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now
from django_q.tasks import async_task

from portal.sync import mark, quarantine
from portal.sync.clock import db_now, in_
from portal.sync.models import Beat, Job
from portal.sync.sweep import sweep, take_back
from portal.sync.workers import my_name, name_of, process_of, surely_dead

logger = logging.getLogger(__name__)

LEAD = timedelta(seconds=15)
CANARY_EVERY = timedelta(seconds=10)
CANARY_LATE = timedelta(seconds=20)


def lead() -> bool:
    """Whether this process leads for the next moments: the first to renew the beat of one that is gone does."""
    name = my_name()
    beat, _ = Beat.objects.get_or_create(name="pump", defaults={"at": db_now() - LEAD * 2})
    gone = Q(at__lt=in_(-LEAD)) | Q(note__in=[name, *surely_dead([beat.note])])
    return bool(Beat.objects.filter(gone, name="pump").update(at=Now(), note=name))


def sing(beat: int) -> None:
    """The canary arrived: written by the worker, with the head of its cluster."""
    place = f"{beat} {name_of(os.getpgid(0))}"
    Beat.objects.update_or_create(name="canary", defaults={"at": db_now(), "note": place})


def look() -> None:
    """Send a canary when the last one was answered and is old, or must be lost."""
    sent, answered, age = _canary()
    if sent is None or age >= (CANARY_EVERY if answered else CANARY_LATE * 2):
        _send(int(sent.note) + 1 if sent else 1)


def guard() -> None:
    """End the cluster that stays silent, if it is this machine's. For every pump, also one that does not lead."""
    sent, answered, age = _canary()
    if sent is None or answered or age <= CANARY_LATE or _at_work():
        return
    heard = Beat.objects.filter(name="canary").first()
    if heard is not None and _kill_cluster(heard.note.partition(" ")[2]):
        _send(int(sent.note) + 1)


def _canary() -> tuple[Beat | None, bool, timedelta]:
    """The last canary sent, whether it was heard of, and its age."""
    sent = Beat.objects.filter(name="canary-sent").first()
    if sent is None:
        return None, False, timedelta(0)
    return sent, Beat.objects.filter(name="canary", at__gte=sent.at).exists(), db_now() - sent.at


def _at_work() -> bool:
    """Whether as many leases are kept as a cluster has workers: then the canary may be waiting behind their work."""
    workers: int = settings.Q_CLUSTER["workers"]
    return Job.objects.filter(lease_until__gt=Now()).count() >= workers


def _send(beat: int) -> None:
    Beat.objects.update_or_create(name="canary-sent", defaults={"at": db_now(), "note": str(beat)})
    try:
        async_task("portal.sync.tasks.canary", beat, group="canary")
    except Exception:
        logger.exception("The queue did not take the canary.")


def _kill_cluster(head: str) -> bool:
    """End the stalled cluster with all its processes; whoever started it (runner, systemd) starts it again.

    Only if its head is still the process that sang: its number may be another's by now.
    """
    group = process_of(head)
    if group is None or group == os.getpgid(0):
        return False
    logger.error("The cluster of process %d is silent; it is killed, to be started again.", group)
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    return True


def turn() -> None:
    """One round of the pump."""
    mark.look()
    take_back()
    guard()
    if lead():
        quarantine.review()
        sweep()
        look()
