"""A request, a response and a table of routes: as much web framework as the shop needs."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .errors import Refused

Json = dict[str, Any]


@dataclass
class Request:
    """One call; `path` without the query, header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str | None:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True).get(name, [None])[0]

    def json(self) -> Json:
        """The body as an object. Refused with 400 when it is none."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refused(400, f"The body is not JSON: {error}.") from None
        if not isinstance(value, dict):
            raise Refused(400, "The body must be a JSON object.")
        return value


@dataclass
class Response:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def json(cls, value: Any, status: int = 200) -> "Response":
        return cls(status, json.dumps(value, ensure_ascii=False).encode())


class Routes:
    """Which function answers which method and path; `<name>` in a path becomes an argument.

    A function takes the request and the path's names, and returns a value for JSON or a Response.
    """

    def __init__(self, routes: list[tuple[str, str, Callable[..., Any]]]) -> None:
        self._routes = [
            (method, re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path) + "$"), function)
            for method, path, function in routes
        ]

    def answer(self, request: Request) -> Response:
        """Call the function of the first route that fits; refusals become errors with a sentence."""
        matches = [(route, match) for route in self._routes if (match := route[1].match(request.path))]
        try:
            for (method, _, function), match in matches:
                if method == request.method:
                    answer = function(request, **match.groupdict())
                    return answer if isinstance(answer, Response) else Response.json(answer)
            if matches:
                raise Refused(405, f"{request.path} does not take {request.method}.")
            raise Refused(404, f"There is nothing at {request.path}.")
        except Refused as refusal:
            return Response.json({"error": refusal.message} | refusal.detail, refusal.status)
