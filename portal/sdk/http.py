"""The HTTP client of connectors: kept-alive connections, pacing, and errors that say what happens next.

Status and transport failures become the errors of :mod:`portal.sdk.errors` by one rule: a *read* that
failed changed nothing (``RetryLater``); a *write* that may have arrived is ``OutcomeUnknown``. Secrets
never appear in a message or a ``repr``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from urllib3 import exceptions as broken

from portal.sdk.answer import Answer
from portal.sdk.deadline import Deadline
from portal.sdk.errors import Misconfigured, NotFound, OutcomeUnknown, PortalError, RetryLater, SkipRecord
from portal.sdk.pacing import pacer
from portal.sdk.wire import Answered, Wire, body_of, merged, with_query

LONGEST_WAIT = timedelta(hours=1)
"""A Retry-After beyond this is cut: a remote that means longer will say so again."""

LONGEST_BODY = 64 * 1024 * 1024
"""Bytes of an answer that are read; more is a mistake of the remote's, not a page."""

LONGEST_CALL = 50.0
"""Seconds that any call may last from its first byte to its last: less than the lease of whoever makes it."""

__all__ = ["Answer", "Http", "retry_after"]

T = TypeVar("T")
P = TypeVar("P")


class Http:
    """A client for one remote.

    ``base_url`` with its scheme; ``secrets`` are blotted out of every message; ``timeout`` is seconds to connect
    and seconds between two bytes; ``deadline`` is seconds for the whole of a call. Raises ``ValueError`` for a
    deadline beyond ``LONGEST_CALL``. Its calls keep to the ``rate`` of the connector that makes it.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        in_flight: int = 8,
        timeout: tuple[float, float] = (5, 30),
        deadline: float = 45,
    ) -> None:
        if not 0 < deadline <= LONGEST_CALL:
            raise ValueError(f"A call may last {LONGEST_CALL:g} seconds at most, not {deadline:g}.")
        self.base_url = base_url.rstrip("/")
        self._secrets = [secret for secret in secrets if secret]
        self._timeout = timeout
        self._deadline = deadline
        self._pacer = pacer()
        try:
            self._wire: Wire | None = Wire(
                self.base_url, headers=headers or {}, in_flight=in_flight, timeout=timeout
            )
        except broken.LocationValueError:  # told at the first call, as whatever else is wrong with it
            self._wire = None

    def __str__(self) -> str:
        return self.redact(self.base_url)

    def __repr__(self) -> str:
        return f"<Http {self}>"

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()

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
        body, told = body_of(json, data)
        self._pacer.turn()
        with Deadline(self._deadline) as deadline:
            try:
                status, heard, answered = self._call(
                    method, with_query(url, params), headers=merged(told, headers or {}), body=body, read=read
                )
            except (RetryLater, OutcomeUnknown) as error:
                if deadline.passed:
                    raise self._too_slow(read=read) from error
                raise
            if deadline.passed:  # a body without a length looks whole when it is cut off
                raise self._too_slow(read=read)
        call = f"{method} {self.redact(path)}"
        answer = Answer(self, status, heard, answered, read=read, call=call)
        if status >= 300 and status not in accept:
            raise self._refusal(answer, call, read=read)
        return answer

    def _call(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, read: bool
    ) -> Answered:
        """The answer with its whole body. Raises the error that a broken call leads to."""
        if self._wire is None:
            raise self._no_address()
        try:
            return self._wire.call(method, url, headers=headers, body=body, most=LONGEST_BODY)
        except broken.LocationValueError as error:
            raise self._no_address() from error
        except ValueError:
            # Not from the error, which shows the secret.
            raise Misconfigured(
                f"The credentials for {self} contain characters that cannot be sent.",
                mend="Enter them again; something else may have been copied with them.",
            ) from None
        except broken.SSLError as error:
            # Only these are raised before the request is sent; others may come at any point of it.
            if "CERTIFICATE_VERIFY_FAILED" not in repr(error) and "WRONG_VERSION_NUMBER" not in repr(error):
                raise self.doubt("broke the encrypted connection", read=read) from error
            raise Misconfigured(
                f"{self} has no valid certificate.", mend="Renew it there, or correct the address."
            ) from error
        except (broken.ConnectTimeoutError, broken.NewConnectionError) as error:
            raise self._unreachable() from error
        except broken.TimeoutError as error:
            raise self.doubt(f"did not answer within {self._timeout[1]:g} seconds", read=read) from error
        except broken.ProtocolError as error:
            raise self.doubt("broke the connection", read=read) from error
        except broken.HTTPError as error:
            raise self.doubt("broke off its answer", read=read) from error

    def pages(
        self, first: T, fetch: Callable[[T], tuple[P, T | None]], *, most: int = 100_000
    ) -> Iterator[P]:
        """Follow ``fetch(token) -> (page, next token or None)`` to its end.

        Raises ``RetryLater`` when a token comes back a second time, when the first page or the one before comes
        again under another token (some remotes answer so beyond their last page), or after ``most`` pages: a
        remote whose paging goes in a circle must not be read for ever.
        """
        seen: set[T] = set()
        first_content: Any = None
        content_before: Any = None
        token: T | None = first
        while token is not None:
            if not isinstance(token, Hashable):
                raise self.doubt("names a next page that is none", read=True)
            if token in seen or len(seen) >= most:
                raise self._circle(len(seen))
            seen.add(token)
            page, token = fetch(token)
            content = _content(page)
            if content and content in (first_content, content_before):
                raise self._circle(len(seen))
            first_content, content_before = first_content or content, content
            yield page

    def _circle(self, pages: int) -> RetryLater:
        return RetryLater(
            f"{self} leads its pages in a circle: after {pages} pages one came that was there before. "
            "Reading stopped."
        )

    def _too_slow(self, *, read: bool) -> PortalError:
        return self.doubt(f"did not end its answer within {self._deadline:g} seconds", read=read)

    def doubt(self, what: str, *, read: bool) -> PortalError:
        """The error for an answer that did not come or makes no sense."""
        if read:
            return RetryLater(f"{self} {what}.")
        return OutcomeUnknown(f"{self} {what}; it may or may not have done it.")

    def _no_address(self) -> Misconfigured:
        return Misconfigured(f"{self} is not an address.", mend="It should look like https://…")

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
        after = retry_after(answer.headers.get("Retry-After", "")) if status in {429, 503} else None
        slow_down = status == 429 or (status == 503 and read)  # a 503 may come after the work was begun
        why = f"{self} asks us to slow down (HTTP {status})."
        if slow_down or after is not None:
            self._pacer.rest(after, why)
        if slow_down:
            return RetryLater(why, after=after, whole_connection=True)
        if status in {401, 403}:
            return Misconfigured(
                f"{self} refused our credentials for {call} (HTTP {status}).",
                mend="Enter the key or password again, and check its rights there.",
            )
        if status in {404, 410}:
            return NotFound(f"{self} has nothing at {call} (HTTP {status}).")
        if status == 303 and not read:  # mostly said of what was done: its outcome is to be read there
            return self.doubt(f"sent us elsewhere for what became of {call} (HTTP 303)", read=read)
        if status >= 500:
            return self.doubt(f"failed with HTTP {status} on {call}", read=read)
        if status < 400:
            return Misconfigured(
                f"{self} sent us elsewhere on {call} (HTTP {status}); it was not followed.",
                mend="Enter the address that it leads to.",
            )
        return SkipRecord(f"{self} refused {call} (HTTP {status}): {said}")


def _content(page: Any) -> Any:
    """What a page holds. Empty ones may follow each other: what was in them was filtered away."""
    return getattr(page, "found", ()) + getattr(page, "rejected", ())


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
