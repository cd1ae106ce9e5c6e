"""A shop that sells to four remotes at once, one of each promise A to D, which lose every tenth answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from django.db import DatabaseError, connections

from portal.sync.jobs import ensure_jobs
from portal.sync.models import Operation
from tests.faults.house import PLACE, busy, connect, flow, tie, wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure
from tests.toys import order

LETTERS = "abcd"
TELLTALE = "taker-c"
"""The one of the four that does again what it is asked again: a fault while nothing is sent to it would prove little.
So it is the slowest."""


class Trade:
    """``number`` operations in all, of which the witness keeps count."""

    def __init__(self, witness: Witness, number: int, *, lose: float = 0.1) -> None:
        self.number = number - number % len(LETTERS)
        self._witness = witness
        self._told: list[str] = []
        self._more = 0
        self._slugs = [f"taker-{letter}" for letter in LETTERS]
        shop = connect(witness, "faultshop", "shop")
        takers = [
            connect(
                witness,
                f"fault{letter}",
                slug,
                promise=letter.upper(),
                lose=lose,
                latency=0.05 if slug == TELLTALE else 0.005,
            )
            for letter, slug in zip(LETTERS, self._slugs, strict=True)
        ]
        tie(shop, *takers)
        for taker in takers:
            flow("order", shop, taker)
        ensure_jobs()

    def sell(self, share: float = 1.0) -> None:
        """The shop tells of that share of its orders, or of what is left of them."""
        orders = self.number // len(LETTERS)
        left = orders - len(self._told) + self._more
        self._tell(min(left, max(1, round(orders * share))))

    def sell_more(self, orders: int) -> None:
        """The shop tells of so many orders beyond the number."""
        self._more += orders
        self._tell(orders)

    def _tell(self, orders: int) -> None:
        new = [order(len(self._told) + each, location=PLACE) for each in range(orders)]
        self._witness.tell("shop", new)
        self._told += [each.external_id for each in new]

    def in_the_middle(self, times: int, *, calls: int) -> Iterator[None]:
        """Sell in so many parts, and stop in the middle of each: when so many calls of it have reached the telltale."""
        for _ in range(times):
            before = self.pushed(TELLTALE)
            self.sell(1 / times)
            wait_until(lambda before=before: self.pushed(TELLTALE) > before + calls, 60, pause=0.01)  # type: ignore[misc]
            yield

    def come_to_rest(self, patience: float) -> tuple[bool, float]:
        """Sell what is left. Whether all was quiet within so many seconds, and after how many."""
        began = time.monotonic()
        self.sell()
        return wait_until(self.quiet, patience), time.monotonic() - began

    def pushed(self, *slugs: str) -> int:
        """How many calls reached these remotes, or all of them."""
        return sum(self._witness.calls(slug)["push"] for slug in slugs or self._slugs)

    def quiet(self) -> bool:
        """Whether the portal has nothing left to do, as far as it knows; False while its database is away."""
        try:
            there = Operation.objects.count() == len(self._told) * len(LETTERS)
            return there and not busy()
        except DatabaseError:
            connections.close_all()
            return False

    def figure(self, did: str, *, good: bool = True) -> Figure:
        """What the witness counted."""
        seen = {slug: self._witness.seen(slug) for slug in self._slugs}
        missing = [
            f"{slug} has no {each}."
            for slug, there in seen.items()
            for each in there.missing("order", self._told)
        ]
        doubled = [
            f"{slug} has twice {each}." for slug, there in seen.items() for each in there.doubled("order")
        ]
        lost = sum(there.calls.get("lost", 0) for there in seen.values())
        left = Counter(
            Operation.objects.exclude(state="done").values_list("connection__slug", "state", "cause")
        )
        return Figure(
            f"{len(self._told) * len(LETTERS):,} operations, {did}, {lost} answers lost: "
            f"{len(missing)} missing, {len(doubled)} doubled",
            good=good and not missing and not doubled and not left,
            notes=(
                *missing[:5],
                *doubled[:5],
                *(f"{count} × {what} are left." for what, count in left.items()),
            ),
        )
