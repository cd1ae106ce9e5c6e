"""A connector speaks to one kind of remote system; a connection is one account of it.

A connector is constructed with its validated settings, used by one job at a time (its ``push_*`` methods
from several threads at once), and closed. It never touches a database: it yields records, takes changes,
and raises the errors of :mod:`portal.sdk.errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from portal.sdk.errors import PortalError, SkipRecord
from portal.sdk.http import Http
from portal.sdk.pacing import Rate, pacer
from portal.sdk.records import Record
from portal.sdk.watch import watcher

R_co = TypeVar("R_co", bound=Record, covariant=True)


class Promise(StrEnum):
    """What the remote can promise about one kind of write, and so what a lost answer leads to.

    A: a repeat with the same key is one effect · B: a unique reference is enforced · C: the reference can
    be searched · D: the write is absolute or compare-and-set, a repeat is harmless · E: none of these, so
    a doubt goes to a person.
    """

    IDEMPOTENCY_KEY = "A"
    UNIQUE_REFERENCE = "B"
    SEARCHABLE = "C"
    ABSOLUTE = "D"
    NOTHING = "E"


class Settings(BaseModel):
    """Base of a connector's settings. ``SecretStr`` fields are kept encrypted and never shown again.

    The portal makes the connection's form from the fields: ``title`` and ``description`` become its label
    and help text.
    """

    # The input of a failed validation may be a credential.
    model_config = ConfigDict(
        frozen=True, extra="ignore", str_strip_whitespace=True, hide_input_in_errors=True
    )


@dataclass(frozen=True, slots=True)
class Found(Generic[R_co]):
    """A record with the remote's own words for it (JSON), which are kept for mapping and for people."""

    record: R_co
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected:
    """An object that could not be read as a record; it becomes a case and the page goes on."""

    NAMELESS: ClassVar[str] = "?"
    """Stands for the id of an object that shows none."""

    external_id: str
    reason: str
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page(Generic[R_co]):
    """What one read gave. ``cursor`` is where the next read starts once this page is stored."""

    found: tuple[Found[R_co], ...]
    cursor: str
    rejected: tuple[Rejected, ...] = ()


def read_each(
    raws: Iterable[Mapping[str, Any]],
    read: Callable[[Mapping[str, Any]], R_co],
    *,
    cursor: str = "",
    id_field: str = "id",
) -> Page[R_co]:
    """Read every raw object; one that cannot be read becomes ``Rejected`` and does not stop its neighbours.

    Passes on the errors of :mod:`portal.sdk.errors` that are about more than one object.
    """
    found: list[Found[R_co]] = []
    rejected: list[Rejected] = []
    watch = watcher()
    for raw in raws:
        if reason := watch.take(raw):
            rejected.append(_rejected(raw, id_field, reason))
            continue
        try:
            found.append(Found(read(raw), raw))
        except SkipRecord as error:
            rejected.append(_rejected(raw, id_field, str(error).rstrip(".")))
        except PortalError:
            raise
        except Exception as error:
            rejected.append(_rejected(raw, id_field, _reason(error)))
        watch.put_down()
    return Page(tuple(found), cursor, tuple(rejected))


def _rejected(raw: Any, id_field: str, reason: str) -> Rejected:
    if not isinstance(raw, Mapping):
        return Rejected(Rejected.NAMELESS, reason, {"value": raw})
    external_id = raw.get(id_field)
    known = isinstance(external_id, str | int) and not isinstance(external_id, bool)
    return Rejected((known and str(external_id)[:200]) or Rejected.NAMELESS, reason, raw)


def _reason(error: Exception) -> str:
    """In words that do not need the connector's code beside them."""
    if isinstance(error, ValidationError):
        faults = [
            f"{'.'.join(str(part) for part in fault['loc']) or 'record'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        return "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if len(faults) > 5 else "")
    if isinstance(error, KeyError):
        return f"the field {error} is missing"
    for kind, words in _IN_WORDS.items():
        if isinstance(error, kind):
            return f"{words} ({type(error).__name__}: {str(error)[:200]})"
    return str(error)[:500].rstrip(".") or type(error).__name__


_IN_WORDS: dict[type[Exception] | tuple[type[Exception], ...], str] = {
    (TypeError, AttributeError, IndexError): "a part of it has another shape than the connector knows",
    ArithmeticError: "a number in it is none, or cannot be reckoned with",
    RecursionError: "it is nested too deeply",
    MemoryError: "it is too large",
}


@dataclass(frozen=True, slots=True)
class Change(Generic[R_co]):
    """One intended change at the remote: bring ``record`` to the state given.

    ``key`` is unique for this intent and stays the same over every attempt. ``remote_id`` is the record's id
    at the target, empty while it has none there (so: create it). ``refs`` translates ids of the source into
    ids of the target.
    """

    key: str
    record: R_co
    remote_id: str = ""
    refs: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def ref(self, kind: str, source_id: str) -> str:
        """The target's id for the source's ``source_id`` (for products: the SKU).

        Raises ``SkipRecord`` when nobody has tied the two yet.
        """
        found = self.refs.get((kind, source_id))
        if not found:
            raise SkipRecord(
                f"The {kind} {source_id!r} is not tied to anything in the target system.",
                cause=f"missing-{kind}",
                mend=f"Tie the {kind} under References, or create it in the target and let it be read.",
            )
        return found


@dataclass(frozen=True, slots=True)
class Receipt:
    """The remote's answer to a change: the id it knows the record by, and a word for the timeline.

    ``data`` may hold a few facts worth keeping (JSON). An empty ``remote_id`` means that there was nothing
    to do there, such as cancelling what never arrived; a number is taken for its text, as for every id.
    """

    remote_id: str
    note: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given: object = self.remote_id
        if isinstance(given, int):
            object.__setattr__(self, "remote_id", str(given))


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as it came in: headers with lower-case names, and the raw body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Hint:
    """What a webhook says has changed. The object is read again; the webhook's own copy is only evidence.

    ``dedupe_key`` is what makes this event one event at this vendor. An empty ``kind`` marks a ping.
    """

    topic: str
    kind: str
    external_id: str
    dedupe_key: str


class Connector:
    """Base of every connector. Declare, then add the capabilities of :mod:`portal.sdk.capabilities`.

    ``key`` names it for ever; ``promises`` gives the class of each kind it can push; ``in_flight`` is how
    many pushes it bears at once; ``grace`` is how long a push may still be at work there once its answer is
    lost; ``rate`` is how many calls it allows (also set in ``__init__``, where it depends on the settings), which
    the calls of :class:`~portal.sdk.Http` keep to. Before a call made in another way say ``self.pacer.turn()``.
    """

    key: ClassVar[str]
    title: ClassVar[str]
    Settings: ClassVar[type[Settings]] = Settings
    promises: ClassVar[Mapping[str, Promise]] = {}
    in_flight: ClassVar[int] = 4
    grace: ClassVar[timedelta] = timedelta(seconds=10)
    rate: Rate | None = None

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.pacer = pacer()

    def check(self) -> str:
        """Prove that address and credentials work; return a sentence such as ``"Acme 3.1, 2 shops"``.

        Raises ``Misconfigured`` or ``RetryLater``.
        """
        raise NotImplementedError(f"{type(self).__name__} has to say how its connection is tested.")

    def close(self) -> None:
        """Give back sockets and files; what is in ``self.http`` is closed for you. Called once, also after an error."""
        if isinstance(http := getattr(self, "http", None), Http):
            http.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
