"""What a scripted remote answers, as plain data: ``{"GET /orders?page=2": {...}}``.

A route is ``METHOD /path?query ~text``. ``*`` stands for anything within the path or a query's value; a
query that is not named may be anything, and a plus sign is a plus sign; ``~text``, which may be there several
times, has to occur in what the request says: its body (for GraphQL and the like), or what a function makes of
it (for queries that are packed). ``*`` is a star there: leave out what varies, and write a text before it and
one behind it. Of the routes that fit, the one with the most text wins: its characters are counted, those of
its ``~text`` included, the stars not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import SequenceMatcher
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answers = Mapping[str, Any]
Say = Callable[["Request"], str]
SHOWN = 200
"""As many characters of a body say which call it was, where all calls go to one path."""
_NUMBER = re.compile(r'"@number:(.*?)@"')


@dataclass(frozen=True)
class Reply:
    """An answer that is more than JSON with status 200. ``body`` may be any JSON, or raw bytes."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def content(self, url: str) -> bytes:
        """The bytes to send; ``{url}`` in them becomes the remote's address."""
        raw = self.body if isinstance(self.body, bytes) else dump(self.body)
        return raw.replace(b"{url}", url.encode())


@dataclass(frozen=True)
class Request:
    """What came in: header names are lower-case, ``route`` is the one that answered (None: none fitted),
    ``says`` what the routes' texts are looked for in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    route: str | None = None
    says: str = ""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @cached_property
    def json(self) -> Any:
        """The body as JSON; None where it is not JSON."""
        try:
            return json.loads(self.body, parse_float=Decimal)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True)
class Route:
    """One parsed route."""

    method: str
    path: str
    query: Mapping[str, str]
    texts: tuple[str, ...] = ()

    def fits(self, request: Request) -> bool:
        given = request.query
        return (
            self.method in ("*", request.method)
            and fnmatchcase(request.path, self.path)
            and all(name in given and fnmatchcase(given[name], want) for name, want in self.query.items())
            and all(text in request.says for text in self.texts)
        )

    @property
    def weight(self) -> tuple[int, int]:
        """How much the route says: its characters, stars not counted; of equals, the one with fewer stars."""
        patterns = "".join((self.method, self.path, *self.query.keys(), *self.query.values()))
        stars = patterns.count("*")
        return len(patterns) - stars + len("".join(self.texts)), -stars

    def nearness(self, request: Request) -> tuple[bool, int, float]:
        """How nearly the route fits: its place first, then how much it says that the request says too."""
        place = self.method in ("*", request.method) and fnmatchcase(request.path, self.path)
        given = request.query
        named = sum(
            len(name) + len(want)
            for name, want in self.query.items()
            if fnmatchcase(given.get(name, ""), want)
        )
        found = named + sum(len(text) for text in self.texts if text in request.says)
        ours = f"{self.method} {self.path} {' '.join(self.texts)}"
        theirs = f"{request.method} {request.path} {request.says}"
        return place, found, SequenceMatcher(None, ours[:SHOWN], theirs[:SHOWN], autojunk=False).ratio()


@lru_cache(maxsize=1000)
def route(text: str) -> Route:
    """Parse ``METHOD /path?query ~text``. Raises ``ValueError`` when it is not like that."""
    match = re.fullmatch(r"([A-Z]+|\*) (/[^? ]*)(?:\?(\S*))?(?: ~(.+))?", text)
    if not match:
        raise ValueError(
            f"{text!r} is not a route. Write it as “GET /path”, “GET /path?name=value” or “POST /path ~text”."
        )
    method, path, query, wanted = match.groups()
    given = parse_qsl((query or "").replace("+", "%2B"), keep_blank_values=True)
    return Route(method, path, dict(given), tuple(wanted.split(" ~")) if wanted else ())


def body_text(request: Request) -> str:
    """What a request says unless its API packs it: its body."""
    return request.body.decode("utf-8", "replace")


def choose(answers: Answers, request: Request) -> str | None:
    """The route that answers the request, None if none fits."""
    fitting = [text for text in answers if route(text).fits(request)]
    return max(fitting, key=lambda text: route(text).weight, default=None)


def nearest(answers: Answers, request: Request) -> str | None:
    """The route that comes nearest to a request that none fits."""
    return max(answers, key=lambda text: route(text).nearness(request), default=None)


def shortened(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def load(answers: Answers | Path) -> Answers:
    """Answers as given, or from a JSON file, numbers with a point kept exact."""
    if isinstance(answers, Path):
        loaded: Answers = json.loads(answers.read_text("utf-8"), parse_float=Decimal)
        return loaded
    return answers


def dump(value: Any, indent: int | None = None) -> bytes:
    """JSON as vendors send it: UTF-8, a ``Decimal`` as the number it is, digit by digit."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=lambda number: f"@number:{number}@")
    return _NUMBER.sub(r"\1", text).encode()
