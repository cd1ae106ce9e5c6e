"""Webhooks: verified on their raw bytes, stored, committed, answered. The object is read again by a job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial

from django.db import transaction
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import open_connector, opened, redacted
from portal.plugins.failures import charged
from portal.plugins.manager import plugins
from portal.sdk import Connector, Forged, Page, Record, Webhook
from portal.sdk.capabilities import HearsWebhooks
from portal.sync.apply import apply_page
from portal.sync.clock import db_now
from portal.sync.doors import ring_inbox, ring_pulls
from portal.sync.leases import keep
from portal.sync.models import Event, Job
from portal.sync.progress import Progress

CHUNK = 200
"""Events worked off in one transaction."""


def receive(connection: Connection, headers: Mapping[str, str], body: bytes) -> int:
    """Verify and store a webhook. Returns how many events were new. Raises ``Forged``.

    Nothing else happens here: whoever calls may answer 2xx once this has returned.
    """
    connector = open_connector(connection)
    hidden = partial(redacted, connection)
    try:
        if not isinstance(connector, HearsWebhooks):
            raise Forged(f"{connection} does not send webhooks.")
        with charged(plugins().owner_of(connection.connector), f"Hearing a webhook of {connection}", hidden):
            hints = connector.hear(Webhook(headers, body), connection.webhook_secrets)
    finally:
        connector.close()
    events = [
        Event(
            connection=connection,
            dedupe_key=hint.dedupe_key[:300],
            topic=hint.topic[:100],
            kind=hint.kind,
            external_id=hint.external_id,
            headers={
                name: value for name, value in headers.items() if name in ("content-type", "user-agent")
            },
            body=body,
        )
        for hint in hints
        if hint.kind
    ]
    if not events:
        return 0
    with transaction.atomic():
        before = Event.objects.filter(
            connection=connection, dedupe_key__in=[event.dedupe_key for event in events]
        ).count()
        Event.objects.bulk_create(events, ignore_conflicts=True)
        ring_inbox(connection)
    return len(events) - before


def work_off(job: Job, progress: Progress) -> None:
    """Read again what the new events name, and apply it: the newest version wins, not the last arrival."""
    connection = job.connection
    assert connection is not None, "an inbox belongs to a connection"
    new = Event.objects.filter(connection=connection, state=Event.State.NEW).order_by("pk")
    while events := list(new[:CHUNK]):
        by_kind: dict[str, list[Event]] = {}
        for event in events:
            by_kind.setdefault(event.kind, []).append(event)
        with opened(connection) as connector:
            for kind, told in by_kind.items():
                _read_again(connection, connector, kind, told, progress)
        progress.add(Counter(events=len(events)))
        keep(job)


def _read_again(
    connection: Connection, connector: Connector, kind: str, told: list[Event], progress: Progress
) -> None:
    fetch = getattr(connector, f"fetch_{kind}", None)
    if fetch is None:
        with transaction.atomic():
            ring_pulls(connection, [f"pull:{kind}"])
            _close(told, {event.external_id for event in told})
        return
    began = db_now()
    page: Page[Record] = fetch(list(dict.fromkeys(event.external_id for event in told)))
    present = {found.record.external_id for found in page.found}
    present |= {rejected.external_id for rejected in page.rejected}
    progress.add(apply_page(connection, kind, page, began=began, then=lambda: _close(told, present)))


def _close(told: list[Event], present: set[str]) -> None:
    """The events are worked off; those whose object the remote no longer has say so."""
    for state, there in ((Event.State.DONE, True), (Event.State.GONE, False)):
        Event.objects.filter(
            pk__in=[event.pk for event in told if (event.external_id in present) is there]
        ).update(state=state, processed_at=timezone.now())
