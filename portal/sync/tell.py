"""Telling plugins what has happened: the job that calls their `on_…` hooks, each until it has gone well once."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.plugin_switches import paused_connections
from portal.plugins.calls import timed
from portal.plugins.failures import charged, record
from portal.plugins.manager import Implementation, plugins
from portal.records.plain import clean
from portal.records.trouble import Trouble
from portal.sdk import Misconfigured, PortalError, RetryLater, SkipRecord
from portal.sync.cases import UNTOLD, open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.facts import note
from portal.sync.happenings import Timeline, event_of
from portal.sync.leases import keep
from portal.sync.models import Job, Notice
from portal.sync.notices import PREFIX
from portal.sync.plugin_jobs import patience
from portal.sync.progress import Progress

logger = logging.getLogger(__name__)

BUDGET = 60.0
"""Seconds after which the job comes back for the rest."""

CHUNK = 100
MOST_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)


def tell(job: Job, progress: Progress) -> None:
    """One turn of the job ``tell:<plugin>``."""
    plugin, began = job.name.removeprefix(PREFIX), time.monotonic()
    if plugin not in plugins().names():
        raise Misconfigured(f"The plugin {plugin} is not in use, so it is not told what happens; that waits.")
    keep(job, lease=patience())
    _charge_the_dead(plugin)
    paused = paused_connections(plugin)
    while notices := list(_due(plugin).exclude(connection__in=paused)[:CHUNK]):
        for notice in notices:
            progress.add(Counter({_tell_one(notice): 1}))
            if time.monotonic() - began > BUDGET:
                keep(job, due_at=db_now())
                return


def due_plugins() -> list[str]:
    """The plugins that something waits for. One query."""
    waiting = Notice.objects.filter(parked_at=None, due_at__lte=Now()).order_by()
    return list(waiting.values_list("plugin", flat=True).distinct())


def _due(plugin: str) -> QuerySet[Notice]:
    return Notice.objects.filter(plugin=plugin, parked_at=None, due_at__lte=Now()).order_by("pk")


def _charge_the_dead(plugin: str) -> None:
    """A call that was begun and has no end took its worker with it."""
    for notice in Notice.objects.filter(plugin=plugin, begun_at__isnull=False):
        said = (
            f"Its hook {notice.hook} did not come to an end: its worker was killed, ran out of memory, "
            f"or was at it for more than {settings.Q_CLUSTER['timeout']} s."
        )
        record(plugin, said)
        _put_back(notice, said, parked=notice.attempts >= MOST_ATTEMPTS)


def _tell_one(notice: Notice) -> str:
    """One call; what became of it, as the run counts it."""
    implementation = _implementation(notice)
    found = event_of(notice) if implementation else None
    if implementation is None or found is None:
        notice.delete()
        return "gone"
    notice.attempts += 1
    due_at = timezone.now() + _wait(notice)
    Notice.objects.filter(pk=notice.pk).update(attempts=F("attempts") + 1, begun_at=Now(), due_at=due_at)
    event, timeline = found
    doing = f"Its hook {notice.hook}"
    try:
        with charged(notice.plugin, doing), timed(notice.plugin, doing):
            lines = list(implementation(event=event) or ())
    except PortalError as error:
        return _failed(notice, error)
    with transaction.atomic():
        _note(notice, timeline, lines)
        if notice.error:  # it may stand in a case
            settle_subjects([_subject(notice)], timezone.now())
        notice.delete()
    return "told"


def _implementation(notice: Notice) -> Implementation | None:
    """None when a newer version of the plugin does not have the hook any more."""
    found = plugins().implementations(notice.hook)
    return next((each for each in found if each.plugin == notice.plugin), None)


def _wait(notice: Notice) -> timedelta:
    return min(FIRST_WAIT * 2.0 ** min(notice.attempts - 1, 12), LONGEST_WAIT)


def _failed(notice: Notice, error: PortalError) -> str:
    """What a plugin asks to be told later comes later; what it cannot take is given up after several calls."""
    patient = isinstance(error, RetryLater | Misconfigured)
    if isinstance(error, RetryLater) and error.after is not None:
        notice.due_at = timezone.now() + error.after
    else:
        notice.due_at = timezone.now() + _wait(notice)
    parked = isinstance(error, SkipRecord) or (notice.attempts >= MOST_ATTEMPTS and not patient)
    _put_back(notice, str(error), parked=parked, mend=error.mend)
    return "parked" if parked else "to be told again"


def _put_back(notice: Notice, said: str, *, parked: bool, mend: str = "") -> None:
    now = timezone.now()
    notice.begun_at, notice.error = None, clean(said)
    notice.parked_at = now if parked else None
    with transaction.atomic():
        notice.save(update_fields=["begun_at", "due_at", "error", "parked_at"])
        if parked:
            open_cases(None, [_trouble(notice, mend)], now)


def _subject(notice: Notice) -> str:
    return f"notice:{notice.pk}"


def _trouble(notice: Notice, mend: str) -> Trouble:
    again = f"Then tell it again: ./run manage plugins retell {notice.plugin}"
    (cause,) = UNTOLD
    return Trouble(
        cause=cause,
        key=f"{cause}:{notice.plugin}:{notice.hook}",
        title=f"The plugin {notice.plugin} could not be told what happened ({notice.hook})",
        mend=f"{mend or 'Read what it said, install a mended version, or correct its settings.'} {again}",
        subject=_subject(notice),
        label=str(notice),
        message=f"Given up after {notice.attempts} calls. {notice.error}",
    )


def _note(notice: Notice, timeline: Timeline | None, lines: Sequence[object]) -> None:
    """The lines that a hook returned. What is no text is not worth calling it again for."""
    texts = [line for line in lines if isinstance(line, str)]
    for wrong in [line for line in lines if not isinstance(line, str)][:1]:
        record(notice.plugin, f"Its hook {notice.hook} returned {wrong!r}, which is no line of text.")
    if timeline is None:
        for text in texts:
            logger.info("%s: %s", notice, text)
        return
    kind, row = timeline
    note(kind, [(row, clean(f"{notice.plugin}: {text}"), None) for text in texts], timezone.now())
