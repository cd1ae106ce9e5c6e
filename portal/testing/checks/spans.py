"""Spans of time, counted and read once more: so that the portal notices what did not come in, and makes up for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from portal.testing.bench import Bench, attempt, records
from portal.testing.registry import Broken, check, counted, spanned

DATED = {"order": "placed_at", "refund": "refunded_at", "shipment": "shipped_at"}
DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


@check("A span's count is that of the records dated in it, whatever became of them.", over=counted)
def counting_agrees_with_reading(bench: Bench, kind: str) -> None:
    span, there = _examples(bench, kind)
    said = attempt(lambda: bench.count(kind, *span), f"count_{kind}", "Script what it asks for.")
    if said != len(there):
        raise Broken(
            f"count_{kind} says {said!r} for a span in which reading finds {len(there)}. Count what is dated from "
            "since up to, but without, until, also what was cancelled."
        )


@check("A span is read whole, page by page, and goes on from a page's cursor after a stop.", over=spanned)
def a_span_is_read_whole(bench: Bench, kind: str) -> None:
    span, there = _examples(bench, kind)
    pages = attempt(lambda: bench.read(kind, *span), f"read_{kind}", "Script what it asks for.")
    if (got := _ids(pages)) != there:
        raise Broken(f"read_{kind} gave {sorted(got)} for a span in which there are {sorted(there)}.")
    rest = bench.read(kind, *span, pages[0].cursor) if len(pages) > 1 else []
    if lost := there - _ids(pages[:1]) - _ids(rest) if rest else set():
        raise Broken(
            f"read_{kind} stopped after its first page goes on without {', '.join(sorted(lost))}. A page's cursor "
            "leads past what that page held, and no further."
        )


@check("A span's both ends are kept to: asked for, or left out by the connector itself.", over=spanned)
def a_span_keeps_to_its_ends(bench: Bench, kind: str) -> None:
    since, until = _examples(bench, kind)[0]
    asked = _asked(bench, kind, (since, until))
    for name, span in (("since", (since - DAY, until)), ("until", (since, until + DAY))):
        if _asked(bench, kind, span) == asked and _ids(bench.read(kind, *_outside(name, since, until))):
            raise Broken(
                f"read_{kind} asks the same whatever {name} is, and gives what lies outside. Hand both ends to the "
                "remote, or leave out what is dated elsewhere."
            )


def _outside(name: str, since: datetime, until: datetime) -> Span:
    """A span beside all examples that differs from theirs in the end that is looked at."""
    return (until + DAY, until + 2 * DAY) if name == "since" else (since - 2 * DAY, since - DAY)


def _examples(bench: Bench, kind: str) -> tuple[Span, set[str]]:
    """The span of all examples, and their ids."""
    found = records(bench.pages(kind)) if hasattr(bench.connector, f"pull_{kind}") else []
    if not found:
        raise Broken(f"pull_{kind} finds nothing in the script, so no span of it can be compared.")
    moments = [getattr(record, DATED[kind]) for record in found]
    return (min(moments), max(moments) + timedelta(seconds=1)), {record.external_id for record in found}


def _ids(pages: list[Any]) -> set[str]:
    return {record.external_id for record in records(pages)}


def _asked(bench: Bench, kind: str, span: Span) -> list[str]:
    bench.remote.requests.clear()
    bench.read(kind, *span)
    return [f"{request} {request.body!r}" for request in bench.remote.requests]
