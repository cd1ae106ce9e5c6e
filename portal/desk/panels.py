"""The pieces that pages are made of: a panel is a title, a template and what the template needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.utils.html import strip_tags

from portal.desk.show import NOTHING, ago, pretty, row_link
from portal.sync.models import Fact

LONG = 24
"""Letters of a cell's line from which on it is text that may go over several lines."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One box of a page.

    ``wide`` takes the whole width, ``above`` stands before the form; ``link`` is (address, words) in its corner.
    """

    title: str
    template: str
    context: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
    above: bool = False
    link: tuple[str, str] | None = None


def values(title: str, pairs: Iterable[tuple[str, Any]], **more: Any) -> Panel:
    """Labels and their values; what is empty shows as a dash."""
    shown = [(label, NOTHING if value in (None, "") else value) for label, value in pairs]
    return Panel(title, "desk/panels/values.html", {"pairs": shown}, **more)


def table(
    title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str, **more: Any
) -> Panel:
    """A small table; ``empty`` is the sentence that stands in for no rows. Heads that end in ``#`` are numbers."""
    found = [list(row) for row in rows]
    looks = [
        "desk-right" if head.endswith("#") else _look(row[at] for row in found)
        for at, head in enumerate(heads)
    ]
    columns = [(head.rstrip("#"), look) for head, look in zip(heads, looks, strict=True)]
    cells = [list(zip(row, looks, strict=True)) for row in found]
    context = {"columns": columns, "rows": cells, "empty": empty}
    return Panel(title, "desk/panels/table.html", context, **more)


def _look(cells: Iterable[Any]) -> str:
    """A column with sentences keeps room for some words of them, also on a phone."""
    lines = (line for cell in cells for line in strip_tags(str(cell).replace("<br>", "\n")).splitlines())
    return "desk-long" if any(len(line) > LONG for line in lines) else ""


def text(title: str, body: str, tone: str = "", **more: Any) -> Panel:
    """A sentence or two; ``tone`` (good, warn, bad) makes it stand out."""
    return Panel(title, "desk/panels/text.html", {"body": body, "tone": tone}, **more)


def raw(title: str, **documents: Any) -> Panel:
    """JSON documents by name, each folded away until somebody wants to see it."""
    folded = [
        (name.replace("_", " "), data if isinstance(data, str) else pretty(data))
        for name, data in documents.items()
    ]
    return Panel(title, "desk/panels/raw.html", {"documents": folded}, wide=True)


def timeline(records: Iterable[tuple[str, Iterable[int]]]) -> Panel:
    """The facts of several records as one story, in time order; ``records`` are (kind, primary keys)."""
    wanted = Q(pk=None)
    for kind, ids in records:
        wanted |= Q(kind=kind, record_id__in=list(ids))
    facts = Fact.objects.filter(wanted).select_related("operation").order_by("at", "pk")
    entries = [
        {
            "at": fact.at,
            "ago": ago(fact.at),
            "kind": fact.kind,
            "text": fact.text,
            "operation": row_link(fact.operation, "operation") if fact.operation_id else "",
        }
        for fact in facts
    ]
    return Panel("Timeline", "desk/panels/timeline.html", {"entries": entries}, wide=True)
