"""What a plugin's page tells: what it brings, where it works, how it does in service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from portal.connections.models import Connection
from portal.connections.plugin_switches import paused_connections
from portal.desk import show
from portal.desk.panels import Panel, table, values
from portal.desk.quality import quality_pill
from portal.plugins.manager import Brings, plugins
from portal.plugins.models import Plugin
from portal.plugins.overview import Line
from portal.plugins.ratings import standing

ASKED = {
    "decide_route": "where records go",
    "decide_availability": "how much stock a channel shows",
    "decide_match": "which products and places are the same",
}
TOLD = {
    "on_record_applied": "records that came or changed",
    "on_operation_done": "what other systems have taken",
    "on_case_opened": "cases",
    "on_webhook": "webhooks of its topics",
}


def in_short(brings: Brings) -> str:
    """Such as ``connector acme, 2 jobs, panel, 2 pages, tables``."""
    counted = Counter(word for word, _, _ in brings.more)
    parts = [
        *(f"connector {each.key}" for each in brings.connectors),
        _many(len(brings.jobs), "job"),
        *(_many(number, word) for word, number in counted.items()),
        "settings" if brings.settings else "",
        "tables" if brings.app else "",
        _many(len(ASKED.keys() & set(brings.hooks)), "decision"),
        "listens" if TOLD.keys() & set(brings.hooks) else "",
    ]
    return ", ".join(filter(None, parts))


def _many(number: int, word: str) -> str:
    if number < 2:
        return word * number
    return f"{number} {word}" if word.endswith("retention") else f"{number} {word}s"


def brought(line: Line) -> Panel:
    return values("What it brings", _brought(line), wide=True)


def _brought(line: Line) -> Iterator[tuple[str, Any]]:
    brings = line.brings
    if brings.connectors:
        each = (format_html("{} {}", cls.title, quality_pill(standing(cls))) for cls in brings.connectors)
        yield "Connectors", show.lines(each)
    if brings.jobs:
        yield "Jobs", show.lines(f"{job.title}, every {show.span(job.every)}" for job in brings.jobs)
    words = dict.fromkeys(word for word, _, _ in brings.more)
    for word in words:
        found = [(name, title) for kind, name, title in brings.more if kind == word]
        yield (
            capfirst(_many(len(found), word) if len(found) < 2 else f"{word}s"),
            show.lines(_page(line.name, name) if word == "page" else title or name for name, title in found),
        )
    if brings.settings:
        yield "Settings", "a form of its own"
    if brings.app:
        yield "Tables and screens", brings.app
    for title, known in (("Is asked", ASKED), ("Is told of", TOLD)):
        if said := [words for hook, words in known.items() if hook in brings.hooks]:
            yield title, show.lines(said)


def _page(plugin: str, name: str) -> str:
    """A link, where the address says all that the page wants to know."""
    try:
        return show.link(reverse(f"{plugin}:{name}"), name)
    except NoReverseMatch:
        return name


def where_it_works(row: Plugin) -> Panel:
    """On every connection that it is not switched off for."""
    paused = paused_connections(row.name)
    own = plugins().connectors_of([row.name])
    return table(
        "Connections",
        ["Connection", "Connector", "Here"],
        [
            (
                show.row_link(each),
                "its own" if each.connector in own else each.connector,
                show.pill("switched off", "warn")
                if each.pk in paused or not row.enabled
                else show.pill("on", "good"),
            )
            for each in Connection.objects.defer("credentials", "webhook_secrets")
        ],
        empty="No system is connected yet.",
    )


def in_service(row: Plugin) -> Panel:
    return values(
        "Failures in service",
        [
            ("How many", row.failures),
            ("Since", show.ago(row.failing_since)),
            ("The last", show.ago(row.last_failed_at)),
            ("It said", row.last_error),
        ],
        wide=True,
        above=True,
    )
