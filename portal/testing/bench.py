"""One connector before its scripted remote, for one check."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, Self, TypeVar
from unittest.mock import patch

from pydantic import SecretStr
from urllib3 import HTTPConnectionPool, Timeout
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from portal.sdk.connector import Change, Connector, Found, Page
from portal.sdk.errors import PortalError
from portal.sdk.records import Record
from portal.testing.push import Push
from portal.testing.registry import Broken
from portal.testing.remote import Remote

if TYPE_CHECKING:
    from portal.testing.contract import ConnectorContract

T = TypeVar("T")
MOST_PAGES = 200


class Bench:
    """``remote`` is the scripted remote, ``connect()`` a new connector to it; all are closed at the end."""

    def __init__(self, contract: type[ConnectorContract]) -> None:
        self.contract = contract
        self.connector = contract.connector
        self.remote = Remote(contract.answers, contract.reads, say=contract.say)
        self.untimed: list[str] = []
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        self._ends.enter_context(self.remote)
        self._ends.enter_context(self._watch_calls())
        for target, value in self.contract.constants.items():
            self._ends.enter_context(_constant(target, value))
        return self

    def __exit__(self, *error: object) -> None:
        self._ends.close()

    def secret_fields(self) -> list[str]:
        fields = self.connector.Settings.model_fields
        return [name for name, field in fields.items() if "SecretStr" in str(field.annotation)]

    def settings(self) -> dict[str, Any]:
        """What the author gave, the remote's address put in, secrets made up where none was given."""
        made_up = {name: f"canary-{name}-5d41402abc" for name in self.secret_fields()}
        given = {
            name: value.replace("{url}", self.remote.url) if isinstance(value, str) else value
            for name, value in self.contract.settings.items()
        }
        return made_up | given

    def secrets(self) -> list[str]:
        values = self.settings()
        plain = [
            str(value.get_secret_value() if isinstance(value := values[name], SecretStr) else value)
            for name in self.secret_fields()
        ]
        if any(0 < len(secret) < 8 for secret in plain):
            raise Broken(
                "A secret of the test's settings is too short to be looked for. Use eight letters or more."
            )
        return [secret for secret in plain if secret]

    def connect(self) -> Any:
        try:
            made = self.connector(self.connector.Settings(**self.settings()))
        except Exception as error:
            raise Broken(
                f"{self.connector.__name__} could not be made with the test's settings: {told(error)}. Nothing else can "
                "be tried before that: look at settings = {…} and at the constructor."
            ) from error
        self._ends.callback(_close, made)
        return made

    # -- reading --

    def walk(self, kind: str, cursor: str | None = None) -> Iterator[Page[Record]]:
        """The pages of a new connector, one by one; too many are an error."""
        for count, page in enumerate(getattr(self.connect(), f"pull_{kind}")(cursor)):
            if count >= MOST_PAGES:
                raise Broken(f"pull_{kind} did not end: {count} pages came from a script that has far fewer.")
            yield page

    def pages(self, kind: str, cursor: str | None = None) -> list[Page[Record]]:
        return list(self.walk(kind, cursor))

    def first(self, kind: str) -> Page[Record]:
        """The first page that holds anything."""
        for page in self.walk(kind):
            if page.found or page.rejected:
                return page
        raise Broken(f"pull_{kind} found nothing in the script's answers.")

    def expected(self, kind: str) -> dict[str, str]:
        """The ids that reading has to find, with the figure that each has to show (empty: any)."""
        given = self.contract.expect.get(kind, ())
        if isinstance(given, dict):
            return {str(key): str(figure) for key, figure in given.items()}
        return dict.fromkeys(map(str, given), "")

    # -- writing --

    def push(self, kind: str) -> Push:
        try:
            return self.contract.pushes[kind]
        except KeyError:
            raise Broken(
                f"There is no example of a change for push_{kind}. Give one as pushes = {{{kind!r}: Push(record=…)}}."
            ) from None

    # Each with a new connector, so that nothing is remembered from the call before.

    def send(self, kind: str, change: Change[Any]) -> Any:
        return getattr(self.connect(), f"push_{kind}")(change)

    def find(self, kind: str, change: Change[Any]) -> Any:
        return getattr(self.connect(), f"find_{kind}")(change)

    def fetch(self, kind: str, external_ids: list[str]) -> Any:
        return getattr(self.connect(), f"fetch_{kind}")(external_ids)

    # -- spans of time --

    def count(self, kind: str, since: datetime, until: datetime) -> Any:
        return getattr(self.connect(), f"count_{kind}")(since, until)

    def read(self, kind: str, since: datetime, until: datetime, cursor: str | None = None) -> list[Any]:
        return list(getattr(self.connect(), f"read_{kind}")(since, until, cursor))

    # -- what went over the line --

    def hint(self) -> str:
        """What the script could not answer, for the end of a sentence."""
        asked = self.remote.unanswered
        if not asked:
            return ""
        told = ", ".join(asked[:3])
        with suppress(Broken):  # a secret that is too short is told by the checks that look for it
            for secret in self.secrets():
                told = told.replace(secret, "…")
        return f"(The script has no answer for {told}: add a route, or correct the call.)"

    def _watch_calls(self) -> Any:
        """Turn a silent remote into the time-out it stands for, without the wait; note calls without one."""
        # What `Http`, `requests` and the vendors' libraries upon them end in.
        urlopen = HTTPConnectionPool.urlopen

        def watched(pool: HTTPConnectionPool, method: str, url: str, *args: Any, **options: Any) -> Any:
            waits = options.get("timeout", pool.timeout)
            if waits is None or (isinstance(waits, Timeout) and None in _seconds(waits)):
                self.untimed.append(f"{method} {url}")
            try:
                return urlopen(pool, method, url, *args, **options)
            except ProtocolError as error:
                if self.remote.silent:
                    raise ReadTimeoutError(pool, url, "timed out") from error
                raise

        return patch.object(HTTPConnectionPool, "urlopen", watched)


def _seconds(timeout: Timeout) -> tuple[Any, Any]:
    return timeout.connect_timeout, timeout.read_timeout


def _constant(target: str, value: Any) -> Any:
    """``portal_acme.connector.PAGE`` with another value. Raises ``Broken`` when there is no such thing."""
    module, _, name = target.rpartition(".")
    try:
        getattr(import_module(module), name)
    except (ImportError, ValueError, AttributeError) as error:
        raise Broken(
            f"constants names {target!r}, which is not there ({error}). Name it with its module, such as "
            "portal_acme.connector.PAGE."
        ) from error
    return patch(target, value)


def records(pages: list[Page[Record]]) -> list[Record]:
    return [found.record for page in pages for found in page.found]


def founds(pages: list[Page[Record]]) -> list[Found[Record]]:
    return [found for page in pages for found in page.found]


def told(error: BaseException) -> str:
    """An error in a few words: its class, the first line of what it says, and where a crash began."""
    said = str(error).strip().split("\n", 1)[0][:160]
    name = f"{type(error).__name__}({said!r})" if said else type(error).__name__
    return name if isinstance(error, PortalError) else f"{name}{_where(error)}"


def _where(error: BaseException) -> str:
    """The author's own line that a crash came from: the last one outside the kit, the SDK and libraries."""
    for frame, line in reversed(list(walk_tb(error.__traceback__))):
        file, module = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
        if not module.startswith(("portal.sdk", "portal.testing")) and "site-packages" not in file:
            return f" at {Path(file).name}:{line}"
    return ""


def attempt(call: Callable[[], T], where: str, do: str) -> T:
    """The call's result. Raises ``Broken`` with the error's own words when it fails."""
    try:
        return call()
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"{where} raised {told(error)}. {do}") from error


def _close(connector: Connector) -> None:
    with suppress(Exception):  # one check says so; the others are about something else
        connector.close()
