"""Making remotes send their webhooks here, again and again: one that dropped us silently is won back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from portal.connections.models import Connection
from portal.connections.services import opened
from portal.sdk import Misconfigured
from portal.sdk.capabilities import HearsWebhooks, KnowsItsSubscription
from portal.sync.doors import ring_pulls
from portal.sync.models import Job, Run
from portal.sync.progress import Progress
from portal.sync.refusals import settle_refusals
from portal.sync.topics import subscribe_topics

WON_BACK = "won back"


def subscribe(connection: Connection) -> str:
    """Subscribe the webhooks of one connection; what the remote said, as a sentence.

    Raises ``Misconfigured`` when its connector hears none, and whatever the call raises.
    """
    with _hearing(connection) as connector:
        return _ask(connection, connector)


def hook_url(connection: Connection) -> str:
    return f"{settings.BASE_URL}/hooks/{connection.slug}/"


def last_won_back(connection: Connection) -> datetime | None:
    """When the subscription was last found missing, and made anew."""
    runs: QuerySet[Run] = Run.objects.filter(job__connection=connection, job__name="hooks")
    return runs.filter(**{f"counts__{WON_BACK}__gt": 0}).values_list("started_at", flat=True).first()


def renew(job: Job, progress: Progress) -> None:
    """The job: subscribe once more, which is harmless where nothing has changed. Where webhooks were missed
    meanwhile, what they would have told of is read."""
    connection = job.connection
    assert connection is not None, "a subscription belongs to a connection"
    settle_refusals(connection)
    with _hearing(connection) as connector:
        url = hook_url(connection)
        missing = isinstance(connector, KnowsItsSubscription) and not connector.subscribed(url)
        _ask(connection, connector)
    progress.add(Counter({WON_BACK: 1} if missing else {"unchanged": 1}))
    if missing:
        pulls = connection.jobs.filter(enabled=True, name__startswith="pull:")
        ring_pulls(connection, pulls.values_list("name", flat=True))


def _ask(connection: Connection, connector: HearsWebhooks) -> str:
    url = hook_url(connection)
    said = connector.subscribe(url, connection.webhook_secrets[0])
    return f"{said} {subscribe_topics(connection, connector, url)}".strip()


@contextmanager
def _hearing(connection: Connection) -> Iterator[HearsWebhooks]:
    with opened(connection) as connector:
        if not isinstance(connector, HearsWebhooks):
            raise Misconfigured(f"{connection} does not send webhooks; it is read at intervals.")
        yield connector
