"""Cursors: read what changed since a moment of Tryton's own clock, in pages by id."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from portal.sdk import Page, RetryLater, read_each

from .client import Client, Domain, Json

OVERLAP = timedelta(seconds=30)
"""A transaction in Tryton bears the time it began but shows when it ends: look back this far each time."""

PAGE = 200
"""Records of a page: their ids fit into an address, also as text of six digits."""


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk through what changed after ``since`` (None: everything), begun at ``started``, now behind ``after``.

    As text it is the cursor; a walk that ended gives the cursor of the next one.
    """

    since: datetime | None
    started: datetime
    after: int = 0

    @classmethod
    def begin(cls, cursor: str | None, client: Client) -> Walk:
        if not cursor:
            return cls(None, client.now())
        since, started, after = cursor.split("|")
        moment = datetime.fromisoformat(since) if since else None
        if started:
            return cls(moment, datetime.fromisoformat(started), int(after))
        return cls(moment, client.now())

    def at(self, after: int) -> Walk:
        """Raises ``RetryLater`` for a page that does not lead on."""
        if after <= self.after:
            raise RetryLater("Tryton leads its pages in a circle; reading stopped.")
        return replace(self, after=after)

    def __str__(self) -> str:
        return f"{self.since.isoformat() if self.since else ''}|{self.started.isoformat()}|{self.after}"

    def finished(self) -> str:
        return f"{(self.started - OVERLAP).isoformat()}||"

    def changed(self, *fields: str) -> Domain:
        """The domain for what changed in any of these date fields."""
        if self.since is None:
            return []
        return [["OR", *([[field, ">=", self.since]] for field in fields)]]


def pages(
    client: Client,
    walk: Walk,
    model: str,
    domain: Domain,
    fields: Sequence[str],
    read: Callable[[Mapping[str, Any]], Any],
    *,
    prepare: Callable[[list[Json]], Sequence[Json]] = lambda raws: raws,
    context: Mapping[str, Any] | None = None,
) -> Iterator[Page[Any]]:
    """Pages of a model by rising id. ``prepare`` may join a page's records with others, all at once."""
    while True:
        raws = client.search(model, [*domain, ["id", ">", walk.after]], fields, limit=PAGE, context=context)
        last = len(raws) < PAGE
        walk = walk if last else walk.at(raws[-1]["id"])
        yield read_each(prepare(raws), read, cursor=walk.finished() if last else str(walk))
        if last:
            return


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
