"""The first object of a kind's first page: altered in the remote's answer, and read again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from portal.sdk.connector import Page
from portal.sdk.records import Record
from portal.testing.bench import Bench, records
from portal.testing.registry import Broken
from portal.testing.script import Request, dump

Path = tuple[str | int, ...]
Place = tuple[str | None, Path]
Edit = Callable[[dict[str, Any]], Any]
CANDIDATES = 8


class Victim:
    """``page`` is the first page as it was, ``raw`` the object; ``others`` are the ids of its neighbours.

    Where ``expect`` names one object and no more, there are no neighbours, and it need not stand in a list.
    """

    def __init__(self, bench: Bench, kind: str) -> None:
        self.bench, self.kind = bench, kind
        self._alone = len(bench.expected(kind)) == 1
        answers: list[tuple[str | None, Any]] = []

        def keep(request: Request, answer: Any) -> Any:
            answers.append((request.route, exact(answer)))
            return answer

        bench.remote.alter = keep
        self.page = bench.first(kind)
        for route, path in self._candidates(answers):
            self._route, self._path = route, path
            self.raw = at(dict(answers)[route], path)
            self.others = (
                set() if self._alone else {each.external_id for each in records([self._read(self._drop)])}
            )
            self.own = [each for each in records([self.page]) if each.external_id not in self.others]
            if self.own:
                break
        if not self.own:
            raise Broken(
                f"The script gives the objects of {kind} also where something else is asked for, so it cannot be seen which "
                "one was read. Give every call a route of its own."
            )
        if not self.others and not self._alone:
            raise Broken(
                f"The first page of {kind} in the script holds one object only. Give it two at least, so that "
                "it can be seen whether one bad object stops the other."
            )

    def read(self, edit: Edit) -> Page[Record]:
        """The first page again, with the object edited in place."""

        def apply(answer: Any) -> Any:
            edit(at(answer, self._path))
            return answer

        return self._read(apply)

    def again(self, page: Page[Record]) -> list[Record]:
        """The victim's own records on a page that was read again."""
        return [record for record in records([page]) if record.external_id not in self.others]

    def _drop(self, answer: Any) -> Any:
        place = max(index for index, step in enumerate(self._path) if isinstance(step, int))
        del at(answer, self._path[:place])[self._path[place]]
        return answer

    def _read(self, apply: Callable[[Any], Any]) -> Page[Record]:
        left = [self._route]

        def alter(request: Request, answer: Any) -> Any:
            if left and request.route == left[0]:
                left.clear()
                return apply(exact(answer))
            return answer

        self.bench.remote.alter = alter
        try:
            return next(iter(self.bench.walk(self.kind)))
        except StopIteration:
            raise Broken(f"pull_{self.kind} gave no page when one object of it was altered.") from None
        finally:
            self.bench.remote.alter = None

    def _candidates(self, answers: list[tuple[str | None, Any]]) -> list[Place]:
        """Where the object may stand in the answers that led to the page, the likeliest first."""
        raws = [exact(found.raw) for found in self.page.found]
        for route, answer in answers:
            for path, node in nodes(answer):
                if node in raws and (self._alone or any(isinstance(step, int) for step in path)):
                    return [(route, path)]
        # The connector reshaped it: the rows that have most of its values, the outer one where two have as many.
        wanted = set(_leaves(raws[0])) if raws else set()
        rows = [
            (len(wanted & set(_leaves(node))), -len(path), route, path)
            for route, answer in answers
            for path, node in nodes(answer)
            if isinstance(node, dict) and (self._alone or (path and isinstance(path[-1], int)))
        ]
        if not rows:
            raise Broken(f"The script's first answer to pull_{self.kind} holds no list of objects.")
        likely = sorted(rows, key=lambda row: row[:2], reverse=True)
        return [(route, path) for _, _, route, path in likely[:CANDIDATES]]


def _leaves(value: Any) -> Iterator[tuple[type, Any]]:
    """The plain values within; a number is one value, whether it is written as text or not."""
    for _, leaf in nodes(value):
        if not isinstance(leaf, (dict, list)):
            figure = number(leaf)
            yield (type(leaf), leaf) if figure is None else (Decimal, figure)


def number(value: Any) -> Decimal | None:
    """What is a number, or a text that is one."""
    if isinstance(value, bool) or not isinstance(value, (int, str, Decimal)):
        return None
    try:
        figure = Decimal(value)
    except ArithmeticError:
        return None
    return figure if figure.is_finite() else None


def exact(value: Any) -> Any:
    """JSON as it arrives: numbers with a point as Decimal, a copy of its own."""
    return json.loads(dump(value), parse_float=Decimal)


def nodes(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value within, with its path; the outer before the inner."""
    yield path, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield from nodes(each, (*path, step))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def replace_leaves(value: dict[str, Any], change: Callable[[Any], Any]) -> None:
    """Put ``change(leaf)`` in the place of every leaf."""
    for path, leaf in list(nodes(value)):
        if path and not isinstance(leaf, (dict, list)):
            at(value, path[:-1])[path[-1]] = change(leaf)


def facts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The plain values of a record, each with its path: ``("lines", 0, "total")``."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from facts(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for index, each in enumerate(value):
            yield from facts(each, (*path, index))
    else:
        yield path, value


def spelled(path: Path) -> str:
    return ".".join(str(step) for step in path)


def paired(before: list[Record], after: list[Record]) -> list[tuple[Record, Record]]:
    """Each record with the one of the same id that was read another time."""
    others = {record.external_id: record for record in after}
    return [(record, others[record.external_id]) for record in before if record.external_id in others]
