"""Reading on and on: to the end, not for ever, and from where it stopped."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from portal.sdk.connector import Page
from portal.testing.bench import Bench, attempt, records
from portal.testing.registry import Broken, check, pulled
from portal.testing.script import Request

PATIENCE = 60


@check("Reading follows every page to the last and finds all that the answers hold.", over=pulled)
def every_page_is_read(bench: Bench, kind: str) -> None:
    pages = attempt(lambda: bench.pages(kind), f"pull_{kind}(None)", "These are the remote's good answers.")
    got = {record.external_id for record in records(pages)}
    refused = [each for page in pages for each in page.rejected]
    missing = [each for each in bench.expected(kind) if each not in got]
    if missing and refused:
        raise Broken(
            f"pull_{kind} set {refused[0].external_id} aside: {refused[0].reason}. It is a good answer; read it."
        )
    if missing:
        raise Broken(
            f"pull_{kind} gave {len(got)} records on {len(pages)} pages, without {', '.join(missing[:5])}. "
            "Follow the remote's link to the next page until there is none."
        )
    if unexpected := sorted(got - set(bench.expected(kind))):
        raise Broken(
            f"pull_{kind} also gave {', '.join(unexpected[:5])}, which expect does not name. Who is right?"
        )


@check("Pages are handed over one by one, so that each is stored before the next is asked for.", over=pulled)
def pages_come_one_by_one(bench: Bench, kind: str) -> None:
    walk = bench.walk(kind)
    next(walk, None)
    asked = len(bench.remote.requests)
    rest = list(walk)
    if not rest and asked > 1 and _asks_for_pages(bench.remote.requests):
        raise Broken(
            f"pull_{kind} asked for {asked} pages before it handed over one. Yield each page as it comes: "
            "a long reading is stored as it goes, and goes on from there after a stop."
        )


@check("Paging that leads in a circle comes to an end, instead of reading for ever.", over=pulled)
def a_circle_ends(bench: Bench, kind: str) -> None:
    bench.pages(kind)
    calls = bench.remote.requests[:]
    if not _asks_for_pages(calls):
        return
    bench.remote.patience = PATIENCE
    paged = {(call.method, call.path) for call in calls if _again(calls, call)}
    for first_of_all in (True, False):
        bench.remote.requests.clear()
        bench.remote.alter = circle = _Circle(paged, first_of_all=first_of_all)
        with suppress(Exception):  # stopping with an error is right; what counts is that it stops
            for _ in bench.walk(kind):
                circle.closed = True
                if len(bench.remote.requests) > PATIENCE:
                    break
        if len(bench.remote.requests) > PATIENCE:
            raise Broken(
                f"pull_{kind} follows pages that lead in a circle for ever. Walk with self.http.pages(), which "
                "notices, or stop when a page's token or content comes a second time."
            )


class _Circle:
    """Answers at each place as it did before: with its first answer of all, or with the last one that led to the
    first page, where other things were asked at the same place before."""

    def __init__(self, paged: set[tuple[str, str]], *, first_of_all: bool) -> None:
        self.closed = first_of_all
        self._paged = paged
        self._answers: dict[tuple[str, str], Any] = {}

    def __call__(self, request: Request, answer: Any) -> Any:
        place = (request.method, request.path)
        if place not in self._paged:
            return answer
        if not self.closed:
            self._answers[place] = answer
        return self._answers.setdefault(place, answer)


@check("The cursor of the last page leads on: what was read is not read all over again.", over=pulled)
def the_cursor_leads_on(bench: Bench, kind: str) -> None:
    opening = _opening(bench, kind, None)
    pages = bench.pages(kind)
    whole = len(records(pages))
    cursor = _last(pages, kind)
    same_calls = opening == attempt(
        lambda: _opening(bench, kind, cursor),
        f"pull_{kind}({cursor!r})",
        "It is the cursor of its own last page.",
    )
    later = bench.pages(kind, cursor)
    if same_calls or len(records(later)) >= max(whole, 2):
        raise Broken(
            f"pull_{kind} given the cursor {cursor!r} of its last page reads everything again. "
            "Hand the cursor to the remote, as “changed since” or whatever it offers."
        )
    reached = later[-1].cursor if later else cursor
    if reached != cursor and (not reached or opening == _opening(bench, kind, reached)):
        raise Broken(
            f"After a reading that found {len(records(later))} changes, pull_{kind} gives the cursor {reached!r}, and "
            "the next one begins from the beginning. Keep the cursor that it was given."
        )


@check("After a stop in the middle, the cursor of the first page leads to all the rest.", over=pulled)
def a_stop_in_the_middle_loses_nothing(bench: Bench, kind: str) -> None:
    pages = bench.pages(kind)
    if len(pages) < 2:
        return
    stored = {record.external_id for record in records(pages[:1])}
    rest = attempt(
        lambda: bench.pages(kind, pages[0].cursor),
        f"pull_{kind}({pages[0].cursor!r})",
        "It is the cursor of its own first page; script what the remote answers to it.",
    )
    lost = sorted(
        {record.external_id for record in records(pages)}
        - stored
        - {each.external_id for each in records(rest)}
    )
    if lost:
        raise Broken(
            f"pull_{kind} stopped after its first page goes on without {', '.join(lost[:5])}. A page's cursor "
            "may only lead past what that page held."
        )


def _asks_for_pages(calls: list[Request]) -> bool:
    return any(_again(calls, call) for call in calls)


def _again(calls: list[Request], call: Request) -> bool:
    return len({_call(each) for each in calls if (each.method, each.path) == (call.method, call.path)}) > 1


def _call(request: Request) -> tuple[str, str, bytes]:
    return request.method, request.target, request.body


def _opening(bench: Bench, kind: str, cursor: str | None) -> list[tuple[str, str, bytes]]:
    """What was asked up to the first page."""
    bench.remote.requests.clear()
    next(bench.walk(kind, cursor), None)
    return [_call(each) for each in bench.remote.requests]


def _last(pages: list[Page[Any]], kind: str) -> str:
    if not pages:
        raise Broken(f"pull_{kind}(None) gave no page. Give at least one, with the cursor to go on from.")
    cursor = pages[-1].cursor
    if not isinstance(cursor, str) or not cursor:
        raise Broken(
            f"The last page of pull_{kind} has the cursor {cursor!r}, so the next reading begins from the beginning. "
            "Give a text that says how far was read."
        )
    return cursor
