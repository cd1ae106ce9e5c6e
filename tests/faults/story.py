"""A day that goes through the steps of the engine: orders, an edit, a cancellation, stock that moves, a refund, a
shipment, a webhook and a lost answer. Each part of it may break off anywhere and be told again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models.functions import Now
from django.utils import timezone

from portal.connections.models import Connection
from portal.records.models import StockLevel
from portal.sync.clock import db_now, unleased
from portal.sync.inbox import receive
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Event, Job
from portal.sync.pump import turn
from portal.sync.tasks import answer, canary, tick
from tests.faults.house import PLACE, SKU, busy, unfinished
from tests.faults.remote import Witness
from tests.toys import line, order, refund, shipment

ROUNDS = 40
"""Rounds of the jobs that are due after which a day that has not come to rest is a failure."""

READ = {
    "morning": (("shop", "pull:refund"), ("shop", "pull:order")),
    "noon": (("shop", "pull:order"), ("erp", "pull:stock"), ("erp", "pull:shipment")),
    "night": (
        *(("erp", "pull:location"), ("erp", "pull:product"), ("shop", "pull:product")),
        *(("shop", "hooks"), ("shop", "check:stock")),
    ),
}
"""The parts of a day and what is read in each; everything else is rung for by the engine itself."""

READ_AGAIN = (("erp", "pull:stock"),)
"""What the ERP had booked when it was read at noon, and whose receipt came only after that, counts as in flight until it
is read again, so that the shop shows rather too few meanwhile."""


def tell(part: str, days: Sequence[Day], witness: Witness, shop: Connection, erp: Connection) -> None:
    """One part of these days side by side, until the portal has come to rest. Raises ``AssertionError``."""
    turn()
    for day in days:
        if part == "morning":
            day.morning(witness, shop)
        elif part == "noon":
            day.noon(witness)
    if part == "night":
        ensure_jobs()
    work(READ[part], shop, erp)
    if part == "noon":
        work(READ_AGAIN, shop, erp)
    if part == "night":
        tick()
        canary(1)


def differences(witness: Witness) -> list[str]:
    """What the witness says is wrong between the two when no day is open."""
    shop, erp = (witness.seen(room, ["nothing"]).stock for room in ("shop", "erp"))
    return [] if shop == erp else [f"The shop shows {shop} and the ERP has {erp}."]


def work(reads: Sequence[tuple[str, str]], shop: Connection, erp: Connection) -> None:
    """These jobs, then whatever is due, until nothing is left to do. Raises ``AssertionError``."""
    for room, name in reads:
        job = Job.objects.filter(connection=shop if room == "shop" else erp, name=name)
        job.update(due_at=timezone.now() - timedelta(seconds=1))
    for _ in range(ROUNDS):
        due = Job.objects.filter(unleased(), connection__isnull=False, due_at__lte=Now()).order_by("due_at")
        said = {str(job): answer(job.pk) for job in due}
        assert not any(each.startswith("failed: An unforeseen") for each in said.values()), said
        if not said and at_rest():
            return
        if not said:  # nobody has rung for what waits
            turn()
    raise AssertionError(
        f"It did not come to rest after {', '.join(name for _, name in reads)}: {'; '.join(_unrest())}; at last {said}."
    )


def at_rest() -> bool:
    waiting = Event.objects.filter(state=Event.State.NEW)
    in_doubt = StockLevel.objects.exclude(doubted_since=None)
    return not busy() and not waiting.exists() and not in_doubt.exists()


def _unrest() -> list[str]:
    """What there is still to do, and what stands in its way."""
    now = db_now()
    found = [
        *(f"{each.op_key} is {each.state} ({each.cause}) until {each.due_at}" for each in unfinished()),
        *(f"event {each} is new" for each in Event.objects.filter(state=Event.State.NEW)),
        *(f"{each} is doubted" for each in StockLevel.objects.exclude(doubted_since=None)),
        *(
            f"{each} rests until {each.resting_until}: {each.health_text}"
            for each in Connection.objects.all()
        ),
        *(
            f"{each} is due at {each.due_at}, leased until {each.lease_until}, {each.attempts} attempts, "
            f"{each.failures} failures: {each.last_error}"
            for each in Job.objects.exclude(connection=None)
        ),
    ]
    return [f"it is {now}", *found]


@dataclass(frozen=True)
class Day:
    """The day of this number: its orders are ``a``, ``b`` and ``c``, its refund and shipment are for ``a``."""

    number: int

    def name(self, letter: str) -> str:
        return f"o{self.number}{letter}"

    def morning(self, witness: Witness, shop: Connection) -> None:
        """Three orders, of which one is only told by webhook, and a refund that is read before its order."""
        witness.room("erp", lose_once=[self.name("c")])
        self.sells(witness, "morning", -4)
        witness.tell("shop", [self.order("a", 1, 2), self.order("b", 1, 1), self.order("c", 1, 1)])
        witness.tell("shop", [self.refund()])
        body = json.dumps(
            {"event": f"e{self.number}", "topic": "order.created", "id": self.name("b")}
        ).encode()
        secret = shop.webhook_secrets[0].encode()
        signed = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        receive(shop.slug, {"x-sign": signed, "content-type": "application/json"}, body)

    def noon(self, witness: Witness) -> None:
        """One order is changed, one cancelled, one shipped; goods arrive."""
        (shipped,) = witness.seen("erp", [self.name("a")]).documents["order"]
        self.sells(witness, "noon", +1)  # one piece more of a, one less of b, one back by the refund
        witness.tell("shop", [self.order("a", 2, 3), self.order("b", 2, 1, state="cancelled")])
        witness.move_stock("erp", {f"{SKU}@{PLACE}": 5}, token=f"bought-{self.number}")
        witness.tell("erp", [shipment(self.number, shipped)])

    def sells(self, witness: Witness, when: str, pieces: int) -> None:
        witness.move_stock("shop", {f"{SKU}@{PLACE}": pieces}, token=f"{when}-{self.number}")

    def order(self, letter: str, version: int, pieces: int, **more: Any) -> Any:
        lines = line(SKU, pieces)
        return order(0, version, lines, location=PLACE, **more).model_copy(
            update={"external_id": self.name(letter), "number": f"#{self.number}{letter}"}
        )

    def refund(self) -> Any:
        made = refund(self.number, restock_to=PLACE, sku=SKU)
        return made.model_copy(update={"order_id": self.name("a")})

    @property
    def names(self) -> tuple[str, ...]:
        """What there has to be once: the orders and the refund in the ERP, the shipment in the shop."""
        return (*map(self.name, "abc"), f"r{self.number}", f"s{self.number}")

    def faults(self, witness: Witness) -> list[str]:
        """What the witness says is wrong about this day, each a sentence."""
        erp, shop = (witness.seen(room, self.names) for room in ("erp", "shop"))
        made = erp.made("order") + erp.made("refund") + shop.made("shipment")
        found = [f"{name} is there {made[name]} times." for name in self.names if made[name] != 1]
        keys = Counter(key for _, key, _, _ in (*erp.effects, *shop.effects))
        found += [f"{key} had an effect {count} times." for key, count in keys.items() if count > 1]
        last = {each["external_id"]: each for each in erp.documents.get("order", {}).values()}
        pieces = {letter: last.get(self.name(letter)) for letter in "abc"}
        if pieces["a"] and int(pieces["a"]["lines"][0]["quantity"]) != 3:
            found.append(f"{self.name('a')} has not its three pieces.")
        if pieces["b"] and pieces["b"]["state"] != "cancelled":
            found.append(f"{self.name('b')} is not cancelled.")
        return found
