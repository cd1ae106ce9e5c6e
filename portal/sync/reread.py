"""The inbox's job: what the new events name is read again from the remote, and the newest version wins.

An event at which something went wrong is tried alone from then on, and given up after a few tries, so that it
can neither stop its neighbours nor kill one worker after another.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import opened, redacted
from portal.plugins.failures import charge
from portal.plugins.manager import FOREIGN
from portal.plugins.words import in_words
from portal.sdk import Page, PortalError, Record, Rejected
from portal.sync.apply import apply_page
from portal.sync.clock import db_now
from portal.sync.doors import ring_inbox, ring_pulls
from portal.sync.leases import Heartbeat, LeaseLost, keep
from portal.sync.models import Event, Job
from portal.sync.progress import Progress

logger = logging.getLogger(__name__)

CHUNK = 200
"""Events worked off in one transaction."""

MOST_TRIES = 5
State = Event.State


def work_off(job: Job, progress: Progress) -> None:
    """Read again what the new events name, and apply it: the newest version wins, not the last arrival."""
    connection = job.connection
    assert connection is not None, "an inbox belongs to a connection"
    new = Event.objects.filter(connection=connection, state=State.NEW)
    for event in new.filter(attempts__gte=MOST_TRIES):  # its worker died at the last try
        _park(connection, event, f"reading it ended its worker, {event.attempts} times in all", progress)
    # Those tried least come first: behind them may be the one at which all of them failed.
    suspects = list(new.filter(attempts__gt=0).order_by("attempts", "pk")[:CHUNK])
    while events := list(new.filter(attempts=0).order_by("pk")[:CHUNK]):
        _try(job, events, progress)
    for event in suspects:
        _try(job, [event], progress)


def read_again(event: Event) -> None:
    """A person wants what this event names to be read once more."""
    with transaction.atomic():
        Event.objects.filter(pk=event.pk).update(state=State.NEW, attempts=0, processed_at=None)
        ring_inbox(event.connection)


def _try(job: Job, events: list[Event], progress: Progress) -> None:
    """One try at these events, counted before it begins: a worker that dies has used it."""
    connection = job.connection
    assert connection is not None, "an inbox belongs to a connection"
    ids = [event.pk for event in events]
    Event.objects.filter(pk__in=ids).update(attempts=F("attempts") + 1)
    by_kind: dict[str, list[Event]] = {}
    for event in events:
        by_kind.setdefault(event.kind, []).append(event)
    for kind, told in by_kind.items():
        try:
            _read(job, connection, kind, told, progress)
        except (LeaseLost, DatabaseError):
            raise
        except PortalError as error:
            if error.whole_connection:  # nothing about these: they have lost no try
                Event.objects.filter(pk__in=ids, state=State.NEW).update(attempts=F("attempts") - 1)
                raise
            _failed(connection, told, str(error), progress)
        except FOREIGN as error:
            logger.exception("Reading again what webhooks of %s named failed.", connection)
            charge(error, partial(redacted, connection))
            _failed(connection, told, redacted(connection, in_words(error)), progress)
    progress.add(Counter(events=len(events)))
    keep(job)


def _read(job: Job, connection: Connection, kind: str, told: list[Event], progress: Progress) -> None:
    with opened(connection, Heartbeat(job)) as connector:
        fetch: Callable[[list[str]], Page[Record]] | None = getattr(connector, f"fetch_{kind}", None)
        if fetch is None:
            with transaction.atomic():
                ring_pulls(connection, [f"pull:{kind}"])
                _close(told, State.DONE)
            return
        began = db_now()
        page = fetch(list(dict.fromkeys(event.external_id for event in told)))
    progress.add(apply_page(connection, kind, page, began=began, then=partial(_close_by, page, told)))


def _close_by(page: Page[Record], told: list[Event]) -> None:
    """The events are worked off; those whose object the remote no longer has say so."""
    present = {found.record.external_id for found in page.found}
    present |= {rejected.external_id for rejected in page.rejected}
    nameless = Rejected.NAMELESS in present  # it may be any of those that are missing
    _close([event for event in told if nameless or event.external_id in present], State.DONE)
    _close([event for event in told if not nameless and event.external_id not in present], State.GONE)


def _close(told: list[Event], state: Event.State) -> None:
    Event.objects.filter(pk__in=[event.pk for event in told]).update(state=state, processed_at=timezone.now())


def _failed(connection: Connection, told: list[Event], said: str, progress: Progress) -> None:
    """What was tried alone and too often is given up; the rest waits for its next turn, one by one."""
    for event in told:
        if event.attempts + 1 >= MOST_TRIES:
            _park(connection, event, f"reading it failed {event.attempts + 1} times: {said}", progress)


def _park(connection: Connection, event: Event, why: str, progress: Progress) -> None:
    aside: Page[Record] = Page((), "", (Rejected(event.external_id, why.rstrip(".")),))
    then = partial(_close, [event], State.PARKED)
    progress.add(apply_page(connection, event.kind, aside, began=db_now(), then=then))
