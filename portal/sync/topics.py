"""Webhook topics that plugins asked for beside those that a connector needs itself."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from portal.connections.models import Connection
from portal.plugins.manager import plugins
from portal.sdk import Topic
from portal.sdk.capabilities import HearsTopics, HearsWebhooks
from portal.sync.models import Event
from portal.sync.notices import announce


def wanted_topics(connection: Connection) -> dict[str, list[str]]:
    """The plugins that want to hear of a topic of this connection, by the topic. No query."""
    found: dict[str, list[str]] = {}
    for plugin, topic in plugins().brought(Topic):
        if topic.connector == connection.connector:
            found.setdefault(topic.name, []).append(plugin)
    return found


def subscribe_topics(connection: Connection, connector: HearsWebhooks, url: str) -> str:
    """Ask the remote for these topics, too; what it said, as a sentence, empty where nobody wants any."""
    names = sorted(wanted_topics(connection))
    if not names:
        return ""
    if not isinstance(connector, HearsTopics):
        return f"{connection} cannot be asked for {', '.join(names)}, which plugins want to hear of."
    return connector.subscribe_topics(url, connection.webhook_secrets[0], names)


def tell_of(connection: Connection, events: Iterable[Event], now: datetime) -> None:
    """New events of topics that plugins want are told to these. Inside the transaction that stored them."""
    topics = wanted_topics(connection)
    for event in events:
        if event.topic in topics:
            announce("on_webhook", [({"id": event.pk}, connection.pk)], now, only=topics[event.topic])
