"""Kept-alive connections to one remote: bytes out, bytes back, over `urllib3`."""

from __future__ import annotations

import json as jsons
import ssl
from collections.abc import Mapping
from functools import cache
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode
from urllib.request import Request

import certifi
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, Timeout
from urllib3.exceptions import DecodeError, LocationValueError, ProtocolError
from urllib3.util import Retry, make_headers, parse_url
from urllib3.util.ssl_ import create_urllib3_context

from portal.sdk.deadline import EncryptedPool, PlainPool

CHUNK = 65536
OURS = {"User-Agent": "erp-portal", "Accept": "*/*", **make_headers(accept_encoding=True)}
"""Headers of every call that names no others."""

NEVER = Retry(False, redirect=False)
"""Nothing is sent twice. One for all calls, which keep nothing in it."""

Answered = tuple[int, Mapping[str, str], bytes]
"""Status, headers (found in any case), and the whole body."""


class Wire:
    """Several threads may use it at once; ``in_flight`` connections are kept. ``timeout`` is seconds to connect, and
    between two bytes. Cookies are sent back. Nothing is taken from the environment, no redirect is followed, and
    nothing is sent twice. Raises urllib3's ``LocationValueError``, a ``ValueError``, for what is no address."""

    def __init__(
        self, base_url: str, *, headers: Mapping[str, str], in_flight: int, timeout: tuple[float, float]
    ) -> None:
        self._address = parse_url(base_url)
        if not self._address.host or self._address.scheme not in ("http", "https"):
            raise LocationValueError(f"{base_url} is no address.")
        # As the bytes that it stands for: the name and the password may hold what an address may not.
        auth = unquote_to_bytes(self._address.auth or "").decode("latin-1")
        login = make_headers(basic_auth=auth) if auth else {}
        self._headers = merged(OURS | login, headers)
        host = base_url.index("//") + 2
        self._host_ends = next(
            (at for at in range(host, len(base_url)) if base_url[at] in "/?#"), len(base_url)
        )
        self._in_flight = in_flight
        self._timeout = Timeout(connect=timeout[0], read=timeout[1])
        self._cookies: CookieJar | None = None
        self._pool = self._empty()

    def close(self) -> None:
        """End the connections. A later call opens a new one."""
        pool, self._pool = self._pool, self._empty()
        pool.close()

    def call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, most: int
    ) -> Answered:
        """One call to an address that begins with the base one; ``most`` bytes of the answer are read.

        Raises urllib3's errors; only ``NewConnectionError`` and ``ConnectTimeoutError`` say that nothing was
        sent. ``ValueError`` for headers that cannot be sent.
        """
        sent: Mapping[str, str] = merged(self._headers, headers) if headers else self._headers
        if self._cookies is not None:
            sent = _with_cookies(self._cookies, url, sent)
        target = url[self._host_ends :]
        response = self._pool.urlopen(
            method,
            target if target.startswith("/") else f"/{target}",
            body=body,
            headers=sent,
            timeout=self._timeout,
            retries=NEVER,
            redirect=False,
            preload_content=False,
        )
        if response.status < 200:
            # The real one comes behind it, and must not be taken for the answer to the next call.
            response.close()
            raise ProtocolError(f"The answer is only a provisional one, {response.status}.")
        if "Set-Cookie" in response.headers:
            self._cookies = self._cookies or CookieJar()
            self._cookies.extract_cookies(response, Request(url))  # type: ignore[arg-type]  # noqa: S310 - nothing is opened here
        return response.status, response.headers, _whole_body(response, most)

    def _empty(self) -> HTTPConnectionPool:
        common: dict[str, Any] = {"port": self._address.port, "maxsize": self._in_flight}
        host = self._address.host or ""
        if self._address.scheme == "http":
            return PlainPool(host, **common)
        return EncryptedPool(host, **common, ssl_context=_trust())


@cache
def _trust() -> ssl.SSLContext:
    """The well-known authorities. To read them takes as long as many calls."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(certifi.where())
    return context


def merged(ours: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """Headers, theirs before ours whatever their case."""
    named = {name.lower() for name in theirs}
    return {name: value for name, value in ours.items() if name.lower() not in named} | dict(theirs)


def _with_cookies(cookies: CookieJar, url: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    request = Request(url)  # noqa: S310 - nothing is opened here
    cookies.add_cookie_header(request)
    cookie = request.get_header("Cookie")
    return merged({"Cookie": cookie}, headers) if cookie else headers


def body_of(json: Any, data: bytes | None) -> tuple[bytes | None, dict[str, str]]:
    """The body, and the header that tells what it is. Raises ``TypeError`` and ``ValueError`` for what is no JSON."""
    if data or json is None:
        return data, {}
    return jsons.dumps(json, allow_nan=False).encode(), {"Content-Type": "application/json"}


def with_query(url: str, params: Mapping[str, Any] | None) -> str:
    """The address with these parameters behind its own: one for each item of a list, none for None."""
    given = [(name, value) for name, value in (params or {}).items() if value is not None]
    if not given:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(given, doseq=True)}"


def _whole_body(response: BaseHTTPResponse, most: int) -> bytes:
    """Raises ``DecodeError`` when it is longer."""
    chunks, size = [], 0
    for chunk in response.stream(CHUNK, decode_content=True):
        size += len(chunk)
        if size > most:
            response.close()
            raise DecodeError(f"The answer is longer than {most} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)
