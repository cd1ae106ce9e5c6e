"""The dashboard's panels: who feeds whom, what is open, what is on its way, how connections are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.panels import Panel, table
from portal.sync.models import Case, Flow, Operation


def of_flows(pairs: list[Any]) -> Panel:
    link = (show.listing(Flow), "Flows")
    return Panel("Who feeds whom", "desk/picture.html", {"pairs": pairs}, wide=True, link=link)


def of_cases(cases: Iterable[dict[str, Any]]) -> Panel:
    return table(
        "Open cases by cause",
        ("Cause", "Cases#", "Holds up#", "Oldest"),
        ((_cause(each), each["number"], each["items"], show.ago(each["since"])) for each in cases),
        empty="No case is open. What needs a person stands here, with what to do about it.",
        link=(show.listing(Case, state__exact="open"), "All open cases"),
    )


def _cause(case: dict[str, Any]) -> SafeString:
    words = show.link(case["link"], capfirst(case["words"]))
    if not case["unowned"]:
        return words
    return format_html('{}<br><span class="desk-muted">{} without owner</span>', words, case["unowned"])


def of_operations(operations: Iterable[dict[str, Any]]) -> Panel:
    return table(
        "Operations on their way",
        ("State", "Number#", "Oldest"),
        (
            (
                format_html('<a href="{}">{}</a>', each["link"], each["pill"]),
                each["number"],
                show.ago(each["oldest"]),
            )
            for each in operations
        ),
        empty="Nothing is on its way. What is to be sent stands here until the other system has it.",
        link=(show.listing(Operation), "All operations"),
    )


def of_connections(connections: Iterable[Connection]) -> Panel:
    return table(
        "Connections",
        ("Connection", "Health", "Since", "It said"),
        (
            (
                _name(each),
                show.light(each.health, each.get_health_display()),
                show.ago(each.health_since, "never"),
                each.health_text or show.NOTHING,
            )
            for each in connections
        ),
        empty="No system is connected yet.",
        wide=True,
        link=(show.listing(Connection), "All connections"),
    )


def _name(connection: Connection) -> SafeString | str:
    name = show.row_link(connection)
    return name if connection.enabled else format_html('{} <span class="desk-muted">off</span>', name)
