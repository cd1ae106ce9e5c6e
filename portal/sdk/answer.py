"""A remote's answer, and how its JSON is read: what has another shape than expected is told, not stumbled over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from portal.sdk.errors import Misconfigured

if TYPE_CHECKING:
    from portal.sdk.http import Http

_CALLED = {
    object: "a value",
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "yes or no",
    type(None): "nothing",
}


class Answer:
    """A remote's answer whose body is there in full."""

    def __init__(
        self, http: Http, status: int, headers: Mapping[str, str], body: bytes, *, read: bool, call: str
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self._http = http
        self._read = read
        self._call = call

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, numbers with a point as exact ``Decimal``.

        Raises ``Misconfigured`` for a web page, ``RetryLater`` (read) or ``OutcomeUnknown`` (write) for
        what is cut short or malformed.
        """
        try:
            return json.loads(self.body, parse_float=Decimal, parse_constant=_not_json)
        except (ValueError, RecursionError):
            pass
        page = self.body.lstrip()[:15].lower()
        if self._read and page.startswith((b"<!doctype html", b"<html")):
            raise Misconfigured(
                f"{self._http} answered with a web page instead of JSON.",
                mend="Check the address: it may lead to a login page, a proxy or another server.",
            )
        raise self._http.doubt("answered with something that is not JSON", read=self._read)

    def object(self, *path: str) -> dict[str, Any]:
        """The JSON object at ``path`` within the body (no path: the body itself).

        Raises ``RetryLater`` (read) or ``OutcomeUnknown`` (write) with what came instead.
        """
        found: dict[str, Any] = self._at(path, dict)
        return found

    def list(self, *path: str) -> list[Any]:
        """The JSON list at ``path`` within the body. Raises as :meth:`object` does."""
        found: list[Any] = self._at(path, list)
        return found

    def value(self, *path: str) -> Any:
        """Whatever stands at ``path`` within the body. Raises as :meth:`object` does when nothing does."""
        return self._at(path, object)

    def _at(self, path: tuple[str, ...], wanted: type) -> Any:
        value = self.json()
        for depth, name in enumerate(path):
            if not isinstance(value, dict):
                raise self._misshapen(path[:depth], dict, _called(value))
            if name not in value:
                raise self._misshapen(path, wanted, f"an object without “{name}”")
            value = value[name]
        if not isinstance(value, wanted):
            raise self._misshapen(path, wanted, _called(value))
        return value

    def _misshapen(self, path: tuple[str, ...], wanted: type, came: str) -> Exception:
        where = (
            f"“{'.'.join(path)}” is wanted as {_CALLED[wanted]}" if path else f"{_CALLED[wanted]} is wanted"
        )
        return self._http.doubt(f"answered {self._call} with {came}, where {where}", read=self._read)


def _called(value: Any) -> str:
    return _CALLED.get(type(value), "a number")


def _not_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON.")
