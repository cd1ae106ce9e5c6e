"""Tryton's REST interface: search, read, create, write, press a button."""

from __future__ import annotations

import http
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from portal.sdk import Answer, Http, Misconfigured, RetryLater, SkipRecord

from .wire import encoded, packed, plain

Json = dict[str, Any]
Domain = list[Any]


class Refused(SkipRecord):
    """Tryton's own rules say no; the message is Tryton's."""


class Client:
    """Calls to one Tryton database, answers as ordinary JSON (see :func:`wire.plain`)."""

    def __init__(self, url: str, database: str, key: str) -> None:
        self._http = Http(
            f"{url.rstrip('/')}/{database}",
            headers={"Authorization": f"bearer {key}"},
            secrets=[key],
            timeout=(5, 60),
        )

    def close(self) -> None:
        self._http.close()

    def search(
        self,
        model: str,
        domain: Domain,
        fields: Sequence[str],
        *,
        limit: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[Json]:
        """Records in the order of their ids. A field may be dotted; it then comes nested."""
        params = {"d": packed(domain), "f": list(fields), "o": packed([["id", "ASC"]])}
        if limit:
            params["s"] = str(limit)
        answer = self._call("GET", model, params=params, context=context)
        found: list[Json] = plain(answer.list())
        return found

    def now(self) -> datetime:
        """The remote's clock, to the second below."""
        answer = self._http.request("GET", "/rest/model/company.company", params={"f": "id"})
        said = answer.headers.get("Date")
        if not said:
            raise Misconfigured(f"{self._http} does not tell its time (no Date header).")
        return parsedate_to_datetime(said).astimezone(UTC)

    def create(self, model: str, values: Json, fields: Sequence[str]) -> Json:
        """Raises ``Refused`` when a rule of Tryton's, such as a unique key, forbids it."""
        return _object(self._call("POST", model, params={"f": list(fields)}, body=values), fields)

    def write(self, model: str, record: int, values: Json, fields: Sequence[str] = ("id",)) -> Json:
        return _object(
            self._call("PUT", f"{model}/{record}", params={"f": list(fields)}, body=values), fields
        )

    def press(self, model: str, record: int, button: str, fields: Sequence[str] = ("id",)) -> Json:
        """Press a button on a record. Warnings, which a person would wave through, are skipped."""
        context = {"_skip_warnings": True}
        path = f"{model}/{record}/{button}"
        return _object(self._call("POST", path, params={"f": list(fields)}, body={}, context=context), fields)

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any],
        body: Json | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> Answer:
        answer = self._http.request(
            method,
            f"/rest/model/{path}",
            params=params,
            json=None if body is None else encoded(body),
            headers={"X-Tryton-Context": packed(context)} if context else None,
            accept=(http.HTTPStatus.BAD_REQUEST, http.HTTPStatus.SERVICE_UNAVAILABLE),
        )
        if answer.status == http.HTTPStatus.SERVICE_UNAVAILABLE:
            # Its database was busy and the transaction rolled back; every push of ours may be repeated.
            raise RetryLater(f"{self._http} says that its database is busy.")
        if answer.status == http.HTTPStatus.BAD_REQUEST:
            raise self._refusal(answer, f"{method} {path}")
        return answer

    def _refusal(self, answer: Answer, call: str) -> Exception:
        """Tryton says no to a rule in JSON, to an unknown model or field with a web page."""
        try:
            said = answer.json()
            sentence = " ".join(str(said[part]) for part in ("message", "description") if said.get(part))
        except Exception:
            return Misconfigured(
                f"{self._http} does not understand {call}.",
                mend="Check that the modules sale, sale_amendment, account_invoice_stock, "
                "stock_package_shipping and web_shop are active in this database.",
            )
        return Refused(f"Tryton refused {call}: {sentence}")


def _object(answer: Answer, fields: Sequence[str]) -> Json:
    """The record written. Raises ``OutcomeUnknown`` where it lacks what was asked for."""
    for field in fields:
        answer.value(field.partition(".")[0])
    found: Json = plain(answer.object())
    return found
