"""Webhooks: verified on their raw bytes, stored, committed, answered. Reading the object again is a job's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import cache, partial
from hashlib import sha256

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from portal.connections.kept import UNCHANGED, Kept, kept
from portal.connections.models import Connection
from portal.connections.services import redacted
from portal.connections.webhook_secrets import mark_of
from portal.plugins.failures import charged
from portal.records.plain import clean
from portal.records.rows import columns_of, values_of
from portal.sdk import Forged, Hint, PortalError, RetryLater, Webhook
from portal.sdk.capabilities import HearsWebhooks
from portal.sdk.records import KINDS
from portal.sync.doors import INBOX_UNANSWERED, ring_inbox
from portal.sync.models import Event
from portal.sync.planned import ask
from portal.sync.topics import tell_of, wanted_topics

KEPT_HEADERS = ("content-type", "user-agent")
LONGEST_KEY = 300
LONGEST_ID = 200

TRIES = 3
"""Times that a webhook is taken up anew because its connection was being changed."""


def receive(slug: str, headers: Mapping[str, str], body: bytes) -> int:
    """Verify and store a webhook of the connection ``slug``. Returns how many events were new.

    Raises ``UnknownConnection``, ``Forged``, and whatever else of the SDK's errors keeps it from being taken. Nothing
    else happens here: whoever calls may answer 2xx once this has returned.
    """
    webhook = Webhook(headers, body)
    for _ in range(TRIES):
        source = kept(slug)
        try:
            events = _told(source, webhook)
        except PortalError:
            source.drop()
            if source.holds():
                raise
            continue
        new = _store(source, events)
        if (events and new == len(events)) or (_known(source.connection, events) and source.holds()):
            return new
        source.drop()
    raise RetryLater(f"{source.connection} is being changed at this moment.")


def _told(source: Kept, webhook: Webhook) -> list[Event]:
    """What of the webhook is to be stored. Raises ``Forged``."""
    hints, mark = _hear(source, webhook)
    topics = wanted_topics(source.connection)
    events = [
        _event(source.connection, webhook, hint, mark)
        for hint in _whole(source.connection, hints)
        if hint.kind in KINDS or hint.topic in topics
    ]
    _tell_apart(events)
    return events


def _hear(source: Kept, webhook: Webhook) -> tuple[Sequence[Hint], str]:
    """What the webhook says, and the mark of the secret that proved it."""
    connection, connector = source.connection, source.connector
    secrets = connection.webhook_secrets
    if not isinstance(connector, HearsWebhooks):
        raise Forged(f"{connection} does not send webhooks.")
    with charged(source.plugin, f"Hearing a webhook of {connection}", partial(redacted, connection)):
        hints = connector.hear(webhook, secrets)
        # One alone, and the last when it was none before, need no second look.
        for secret in secrets[:-1]:
            try:
                connector.hear(webhook, [secret])
            except Forged:
                continue
            return hints, mark_of(secret)
    return hints, mark_of(secrets[-1])


def _store(source: Kept, events: Sequence[Event]) -> int:
    """Insert those that are new, unless the connection has changed. Returns how many were inserted."""
    topics = wanted_topics(source.connection)
    # One statement is a transaction of its own; what plugins are told belongs into the same one.
    alone = len(events) == 1 and events[0].topic not in topics
    with nullcontext() if alone else transaction.atomic():
        unanswered = [_insert(source, event) for event in events]
        new = [event for event in events if event.pk]
        tell_of(source.connection, new, timezone.now())
        if any(unanswered):
            ring_inbox(source.connection)
    return len(new)


def _insert(source: Kept, event: Event) -> bool:
    """Insert the event, if it is new and what proved it still holds: it has a key then. Returns whether to ring."""
    values = [*values_of(event), *source.proof]
    for event.pk, unanswered in ask(_statement(database.vendor), values):
        return bool(unanswered)
    return False


@cache
def _statement(vendor: str) -> str:
    names = [str(each.column) for each in columns_of(Event)]
    columns, values = ", ".join(names), ", ".join(["%s"] * len(names))
    return (
        f"INSERT INTO {Event._meta.db_table} ({columns}) SELECT {values} WHERE {UNCHANGED} "
        f"ON CONFLICT DO NOTHING RETURNING id, {INBOX_UNANSWERED[vendor]}"
    )


def _known(connection: Connection, events: Sequence[Event]) -> bool:
    """Whether all of them stand there: they need not be stored again."""
    keys = {event.dedupe_key for event in events}
    stored = Event.objects.filter(connection=connection, dedupe_key__in=keys)
    return not keys or stored.count() == len(keys)


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
