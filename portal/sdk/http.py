"""The HTTP client of connectors: kept-alive connections, pacing, and errors that say what happens next.

Status and transport failures become the errors of :mod:`portal.sdk.errors` by one rule: a *read* that
failed changed nothing (``RetryLater``); a *write* that may have arrived is ``OutcomeUnknown``. Secrets
never appear in a message or a ``repr``.
"""

from __future__ import annotations

import json as json_module
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from requests_ratelimiter import LimiterAdapter

from portal.sdk.errors import Misconfigured, NotFound, OutcomeUnknown, PortalError, RetryLater, SkipRecord

LONGEST_WAIT = timedelta(hours=1)
"""A Retry-After beyond this is cut: a remote that means longer will say so again."""

LONGEST_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read; more is a mistake of the remote's, not a page."""

_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)

T = TypeVar("T")
P = TypeVar("P")


class Answer:
    """A remote's answer whose body is there in full."""

    def __init__(self, http: Http, response: requests.Response, body: bytes, *, read: bool) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.body = body
        self._http = http
        self._read = read

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON, numbers with a point as exact ``Decimal``.

        Raises ``Misconfigured`` for a web page, ``RetryLater`` (read) or ``OutcomeUnknown`` (write) for
        what is cut short or malformed.
        """
        try:
            return json_module.loads(self.body, parse_float=Decimal, parse_constant=_not_json)
        except (ValueError, RecursionError):
            pass
        page = self.body.lstrip()[:15].lower()
        if self._read and page.startswith((b"<!doctype html", b"<html")):
            raise Misconfigured(
                f"{self._http} answered with a web page instead of JSON.",
                mend="Check the address: it may lead to a login page, a proxy or another server.",
            )
        raise self._http.doubt("answered with something that is not JSON", read=self._read)


class Http:
    """A client for one remote.

    ``base_url`` with its scheme; ``secrets`` are blotted out of every message; ``per_second`` paces calls of
    this process; ``timeout`` is seconds to connect and seconds between two bytes.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        per_second: float | None = None,
        in_flight: int = 8,
        timeout: tuple[float, float] = (5, 30),
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._secrets = [secret for secret in secrets if secret]
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers.update(headers or {})
        adapter = (
            LimiterAdapter(per_second=per_second, pool_maxsize=in_flight)
            if per_second
            else HTTPAdapter(pool_maxsize=in_flight)
        )
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def __str__(self) -> str:
        return self.redact(self.base_url)

    def __repr__(self) -> str:
        return f"<Http {self}>"

    def close(self) -> None:
        self._session.close()

    def redact(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        read: bool | None = None,
        accept: Collection[int] = (),
    ) -> Answer:
        """One call. ``path`` may be a whole URL of the same remote.

        ``read`` marks a call without effect (default: GET and HEAD); ``accept`` lists error statuses that
        the caller wants to see itself. Raises ``RetryLater``, ``OutcomeUnknown``, ``Misconfigured``,
        ``NotFound`` or ``SkipRecord``.
        """
        read = method in {"GET", "HEAD"} if read is None else read
        url = path if path.startswith(("http://", "https://")) else f"{self.base_url}/{path.lstrip('/')}"
        if not (url + "/").startswith(self.base_url + "/") and not url.startswith(self.base_url + "?"):
            raise Misconfigured(f"{self} led to another address, {self.redact(url)}; it was not followed.")
        try:
            response = self._session.request(
                method,
                url,
                params=params,
                json=json,
                data=data,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
            body = _whole_body(response)
        except requests.exceptions.SSLError as error:
            # Only these are raised before the request is sent; others may come at any point of it.
            if "CERTIFICATE_VERIFY_FAILED" not in repr(error) and "WRONG_VERSION_NUMBER" not in repr(error):
                raise self.doubt("broke the encrypted connection", read=read) from error
            raise Misconfigured(
                f"{self} has no valid certificate.", mend="Renew it there, or correct the address."
            ) from error
        except requests.exceptions.ConnectTimeout as error:
            raise self._unreachable() from error
        except requests.exceptions.Timeout as error:
            raise self.doubt(f"did not answer within {self._timeout[1]:g} seconds", read=read) from error
        except _NO_ADDRESS as error:
            raise Misconfigured(f"{self} is not an address.", mend="It should look like https://…") from error
        except (UnicodeEncodeError, requests.exceptions.InvalidHeader):
            # Not from the error, which shows the secret.
            raise Misconfigured(
                f"The credentials for {self} contain characters that cannot be sent.",
                mend="Enter them again; something else may have been copied with them.",
            ) from None
        except requests.exceptions.ConnectionError as error:
            if "NewConnectionError" in repr(error) or "NameResolutionError" in repr(error):
                raise self._unreachable() from error
            raise self.doubt("broke the connection", read=read) from error
        except requests.exceptions.RequestException as error:
            raise self.doubt("broke off its answer", read=read) from error
        answer = Answer(self, response, body, read=read)
        if answer.status >= 300 and answer.status not in accept:
            raise self._refusal(answer, f"{method} {self.redact(path)}", read=read)
        return answer

    def pages(
        self, first: T, fetch: Callable[[T], tuple[P, T | None]], *, most: int = 100_000
    ) -> Iterator[P]:
        """Follow ``fetch(token) -> (page, next token or None)`` to its end.

        Raises ``RetryLater`` when a token comes back a second time or after ``most`` pages: a remote whose
        paging goes in a circle must not be read for ever.
        """
        seen: set[T] = set()
        token: T | None = first
        while token is not None:
            if token in seen or len(seen) >= most:
                raise RetryLater(f"{self} leads its pages in a circle; reading stopped after {len(seen)}.")
            seen.add(token)
            page, token = fetch(token)
            yield page

    def doubt(self, what: str, *, read: bool) -> PortalError:
        """The error for an answer that did not come or makes no sense."""
        if read:
            return RetryLater(f"{self} {what}.")
        return OutcomeUnknown(f"{self} {what}; it may or may not have done it.")

    def _unreachable(self) -> RetryLater:
        return RetryLater(
            f"{self} cannot be reached.",
            whole_connection=True,
            mend="Check the address, and whether the server is running.",
        )

    def _refusal(self, answer: Answer, call: str, *, read: bool) -> PortalError:
        status = answer.status
        said = self.redact(" ".join(answer.text.replace("\0", " ").split()))[:300]
        if status in {408, 425}:  # the request was not taken: too slow, or too early
            return RetryLater(f"{self} did not take {call} this time (HTTP {status}).")
        if status == 429 or (status == 503 and read):  # a 503 may come after the work was begun
            return RetryLater(
                f"{self} asks us to slow down (HTTP {status}).",
                after=retry_after(answer.headers.get("Retry-After", "")),
                whole_connection=True,
            )
        if status in {401, 403}:
            return Misconfigured(
                f"{self} refused our credentials for {call} (HTTP {status}).",
                mend="Enter the key or password again, and check its rights there.",
            )
        if status in {404, 410}:
            return NotFound(f"{self} has nothing at {call} (HTTP {status}).")
        if status >= 500:
            return self.doubt(f"failed with HTTP {status} on {call}", read=read)
        if status < 400:
            return Misconfigured(
                f"{self} sent us elsewhere on {call} (HTTP {status}); it was not followed.",
                mend="Enter the address that it leads to.",
            )
        return SkipRecord(f"{self} refused {call} (HTTP {status}): {said}")


def _not_json(word: str) -> Any:
    raise ValueError(f"{word} is not JSON.")


def _whole_body(response: requests.Response) -> bytes:
    chunks, size = [], 0
    for chunk in response.iter_content(65536):
        size += len(chunk)
        if size > LONGEST_BODY:
            response.close()
            raise requests.exceptions.ContentDecodingError("the answer is too long")
        chunks.append(chunk)
    return b"".join(chunks)


def retry_after(value: str) -> timedelta | None:
    """``Retry-After`` in either of its forms (RFC 9110, 10.2.3), cut to an hour; None if it says nothing."""
    value = value.strip()
    try:
        wait = timedelta(seconds=float(value))
    except ValueError:
        try:
            wait = parsedate_to_datetime(value) - datetime.now(UTC)
        except (ValueError, TypeError):
            return None
    except OverflowError:
        return LONGEST_WAIT
    return min(max(wait, timedelta(0)), LONGEST_WAIT)
