"""Write a script from a real remote: what it answers while a connector reads everything once.

``python -m portal.testing.record portal_acme.connector:Acme tests/answers.json url=https://api.example.com``

Secrets are asked for, and blotted out of what is kept; nothing is written at the remote. Look through the file
before you share it: it holds what the remote said, names of people included.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from getpass import getpass
from importlib import import_module
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

from urllib3 import HTTPConnectionPool, HTTPResponse

from portal.sdk.connector import Connector, Page
from portal.sdk.errors import PortalError
from portal.sdk.records import Record
from portal.testing.checks.money import FIGURES
from portal.testing.registry import fetched, pulled
from portal.testing.script import dump

MOST_PAGES = 20
PLURAL = {"stock": "levels of stock"}
Expect = dict[str, dict[str, str]]


class Recording:
    """``answers`` is the script so far, ``left_out`` the calls whose answers were no JSON, or errors, and
    ``notes`` are sentences about what was read."""

    def __init__(self, secrets: list[str]) -> None:
        self.answers: dict[str, Any] = {}
        self.left_out: list[str] = []
        self.notes: list[str] = []
        self._secrets = [secret for secret in secrets if secret]

    def keep(self, address: str, method: str, url: str, body: Any, status: int, answer: bytes) -> None:
        """One call: ``address`` is the remote's, ``url`` what stands behind it."""
        text = answer.decode("utf-8", "replace").replace(address, "{url}")
        for secret in self._secrets:
            text = text.replace(secret, "…")
        path, _, query = url.partition("?")
        route = f"{method} {path}"
        if query:
            route += "?" + query.replace("+", "%20")  # a route's plus sign is one
        if method not in ("GET", "HEAD") and body:
            route += f" ~{body.decode() if isinstance(body, bytes) else body}"
        try:
            if status >= 400:
                raise ValueError(f"HTTP {status} is no answer.")
            self.answers[route] = json.loads(text, parse_float=Decimal)
        except ValueError:
            self.left_out.append(f"{route} ({status})")


def record(connector: type[Connector], settings: Mapping[str, Any]) -> tuple[Recording, Expect]:
    """Read all that the connector can read. Returns the script, and what was found: ids with their figures."""
    fields = connector.Settings.model_fields
    secrets = [
        str(settings[name])
        for name in fields
        if "SecretStr" in str(fields[name].annotation) and name in settings
    ]
    recording, found = Recording(secrets), Expect()
    made: Any = connector(connector.Settings(**settings))
    with _listening(recording):
        try:
            made.check()
            for kind in pulled(connector):
                found[kind] = _walk(made, kind, recording.notes)
            for kind in fetched(connector):
                getattr(made, f"fetch_{kind}")(list(found.get(kind, ()))[:1])
        finally:
            made.close()
    return recording, found


def _walk(made: Any, kind: str, notes: list[str]) -> dict[str, str]:
    """All pages; then what each cursor leads to, as far as the contract will read on from there."""
    pull = getattr(made, f"pull_{kind}")
    pages = _pages(pull(None))
    for cursor in dict.fromkeys(page.cursor for page in pages):
        if later := _pages(pull(cursor)):
            next(iter(pull(later[-1].cursor)), None)
    if len(pages) == MOST_PAGES:
        notes.append(
            f"Reading of {kind} stopped after {MOST_PAGES} pages. If there are more, read an account that holds less: "
            "the contract reads to the end."
        )
    reasons = Counter(each.reason for page in pages for each in page.rejected)
    for reason, count in reasons.items():
        were = f"{kind} was" if count == 1 else f"{PLURAL.get(kind, f'{kind}s')} were"
        notes.append(f"{count} {were} set aside: {reason}")
    return {
        each.record.external_id: _figure(each.record, FIGURES.get(kind, ""))
        for page in pages
        for each in page.found
    }


def _pages(walk: Iterable[Page[Record]]) -> list[Page[Record]]:
    return list(islice(walk, MOST_PAGES))


def _figure(record: Record, name: str) -> str:
    """What people see; nothing where the record has no such figure, which is not the same as a zero."""
    figure = getattr(record, name, None)
    return "" if figure is None else str(figure)


@contextmanager
def _listening(recording: Recording) -> Iterator[None]:
    # What `Http`, `requests` and the vendors' libraries upon them end in.
    urlopen = HTTPConnectionPool.urlopen

    def heard(
        pool: HTTPConnectionPool, method: str, url: str, body: Any = None, *args: Any, **options: Any
    ) -> Any:
        preload, decode = options.get("preload_content", True), options.get("decode_content", True)
        answer = urlopen(pool, method, url, body, *args, **options | {"preload_content": False})
        whole = answer.read(decode_content=False)
        again = partial(HTTPResponse, headers=answer.headers, status=answer.status)
        recording.keep(_address(pool), method, url, body, answer.status, again(BytesIO(whole)).data)
        return again(BytesIO(whole), preload_content=preload, decode_content=decode)

    with patch.object(HTTPConnectionPool, "urlopen", heard):
        yield


def _address(pool: HTTPConnectionPool) -> str:
    usual = {"http": 80, "https": 443}[pool.scheme]
    port = "" if pool.port in (None, usual) else f":{pool.port}"
    return f"{pool.scheme}://{pool.host}{port}"


def main(where: str, file: str, *given: str) -> str:
    """Record, write, and say what was found. Raises ``SystemExit`` with a sentence."""
    module, _, name = where.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    connector = getattr(import_module(module), name)
    settings = dict(each.split("=", 1) for each in given)
    for field, declared in connector.Settings.model_fields.items():
        if field not in settings and "SecretStr" in str(declared.annotation):
            settings[field] = getpass(f"{declared.title or field}: ")
    try:
        recording, found = record(connector, settings)
    except PortalError as error:
        raise SystemExit(f"Nothing was written: {error}") from error
    Path(file).write_bytes(dump(recording.answers, indent=1) + b"\n")
    told = [f"{file} holds {len(recording.answers)} answers. This was read; is it what people see there?"]
    told += [f"    {kind!r}: {figures}," for kind, figures in found.items()]
    told += recording.notes
    told += [f"Left out, because it is no JSON or an error: {call}" for call in recording.left_out]
    return "\n".join(told)


if __name__ == "__main__":
    if len(sys.argv) < 3:
        raise SystemExit(f"Usage: {(__doc__ or '').split('``')[1]}")
    sys.stdout.write(main(*sys.argv[1:]) + "\n")
