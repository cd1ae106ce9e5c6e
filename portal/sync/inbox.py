"""Webhooks: verified on their raw bytes, stored, committed, answered. Reading the object again is a job's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256

from django.db import transaction
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import open_connector, redacted
from portal.connections.webhook_secrets import mark_of
from portal.plugins.failures import charged
from portal.plugins.manager import plugins
from portal.records.plain import clean
from portal.sdk import Forged, Hint, Webhook
from portal.sdk.capabilities import HearsWebhooks
from portal.sdk.records import KINDS
from portal.sync.doors import ring_inbox
from portal.sync.models import Event
from portal.sync.topics import tell_of, wanted_topics

KEPT_HEADERS = ("content-type", "user-agent")
LONGEST_KEY = 300
LONGEST_ID = 200


def receive(connection: Connection, headers: Mapping[str, str], body: bytes) -> int:
    """Verify and store a webhook. Returns how many events were new. Raises ``Forged``.

    Nothing else happens here: whoever calls may answer 2xx once this has returned.
    """
    webhook = Webhook(headers, body)
    hints, mark = _hear(connection, webhook)
    topics = wanted_topics(connection)
    events = [
        _event(connection, webhook, hint, mark)
        for hint in _whole(connection, hints)
        if hint.kind in KINDS or hint.topic in topics
    ]
    if not events:
        return 0
    _tell_apart(events)
    with transaction.atomic():
        keys = [event.dedupe_key for event in events]
        stored = Event.objects.filter(connection=connection, dedupe_key__in=keys)
        known = set(stored.values_list("dedupe_key", flat=True))
        Event.objects.bulk_create(events, ignore_conflicts=True)
        new = [event for event in events if event.dedupe_key not in known]
        tell_of(connection, new, timezone.now())
        ring_inbox(connection)
    return len(new)


def _hear(connection: Connection, webhook: Webhook) -> tuple[Sequence[Hint], str]:
    """What the webhook says, and the mark of the secret that proved it."""
    secrets, connector = connection.webhook_secrets, open_connector(connection)
    hidden = partial(redacted, connection)
    try:
        if not isinstance(connector, HearsWebhooks):
            raise Forged(f"{connection} does not send webhooks.")
        with charged(plugins().owner_of(connection.connector), f"Hearing a webhook of {connection}", hidden):
            hints = connector.hear(webhook, secrets)
            # One alone, and the last when it was none before, need no second look.
            for secret in secrets[:-1]:
                try:
                    connector.hear(webhook, [secret])
                except Forged:
                    continue
                return hints, mark_of(secret)
    finally:
        connector.close()
    return hints, mark_of(secrets[-1])


def _whole(connection: Connection, hints: Sequence[Hint]) -> Sequence[Hint]:
    """Raises ``Forged`` for a signed body whose words can be nobody's id."""
    for hint in hints:
        words = (hint.topic, hint.kind, hint.external_id, hint.dedupe_key)
        if not all(isinstance(word, str) and clean(word) == word for word in words):
            raise Forged(f"The webhook is signed, but its ids are not what {connection} sends.")
        if hint.kind and not 0 < len(hint.external_id) <= LONGEST_ID:
            raise Forged(f"The webhook is signed, but it names no {hint.kind}.")
    return hints


def _event(connection: Connection, webhook: Webhook, hint: Hint, mark: str) -> Event:
    # What only plugins want is theirs: there is nothing to be read again.
    done = {} if hint.kind in KINDS else {"state": Event.State.DONE, "processed_at": timezone.now()}
    return Event(
        **done,
        connection=connection,
        dedupe_key=hint.dedupe_key or sha256(webhook.body).hexdigest(),
        topic=hint.topic[:100],
        kind=hint.kind[:20],
        external_id=hint.external_id,
        headers={name: clean(webhook.headers[name]) for name in KEPT_HEADERS if name in webhook.headers},
        body=webhook.body,
        signed_with=mark,
    )


def _tell_apart(events: list[Event]) -> None:
    """No two events of one webhook, and no two long keys, pass for the same event."""
    several = len({event.dedupe_key for event in events}) < len(events)
    for event in events:
        if several:
            event.dedupe_key += f":{event.kind}:{event.external_id}"
        if len(event.dedupe_key) > LONGEST_KEY:
            digest = sha256(event.dedupe_key.encode()).hexdigest()
            event.dedupe_key = event.dedupe_key[: LONGEST_KEY - len(digest)] + digest
