"""Making remotes send their webhooks here, again and again: one that dropped us silently is won back."""

from __future__ import annotations

from collections import Counter

from django.conf import settings

from portal.connections.models import Connection
from portal.connections.services import opened
from portal.sdk import Misconfigured
from portal.sdk.capabilities import HearsWebhooks
from portal.sync.models import Job
from portal.sync.progress import Progress


def subscribe(connection: Connection) -> str:
    """Subscribe the webhooks of one connection; what the remote said, as a sentence.

    Raises ``Misconfigured`` when its connector hears none, and whatever the call raises.
    """
    with opened(connection) as connector:
        if not isinstance(connector, HearsWebhooks):
            raise Misconfigured(f"{connection} does not send webhooks; it is read at intervals.")
        return connector.subscribe(hook_url(connection), connection.webhook_secrets[0])


def hook_url(connection: Connection) -> str:
    return f"{settings.BASE_URL}/hooks/{connection.slug}/"


def renew(job: Job, progress: Progress) -> None:
    """The job: subscribe once more, which is harmless where nothing has changed."""
    assert job.connection is not None, "a subscription belongs to a connection"
    subscribe(job.connection)
    progress.add(Counter(unchanged=1))
