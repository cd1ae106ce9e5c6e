"""The demo from the first curtain to the last: catalogue in, a day of business, everything settled."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from portal.connections.models import Reference
from portal.demo.quiet import held, under_way
from portal.demo.setup import tie_warehouses
from portal.demo.stage import Stage
from portal.demo.warehouse import Shift
from portal.records.models import Order, Refund, Shipment
from portal.sync.clock import db_now
from portal.sync.models import Operation

SETTLES_WITHIN = 30 * 60
"""Seconds after which waiting for rest is given up."""


@dataclass
class Play:
    """``say`` takes one line for the terminal."""

    stage: Stage
    say: Callable[[str], None]

    def let_catalogue_in(self) -> None:
        """The shop opens once its stock is right; a person ties the warehouse that it names otherwise."""
        self.say("Products, warehouses and stock go to the shop …")
        began = db_now()
        self._until(lambda: self._warehouses_tied() and not under_way(began), "the catalogue is not in")

    def watch(self, shift: Shift) -> None:
        """Tell what happens until the day is over and all has settled."""
        last = ""
        while not shift.over.is_set() or self.stage.ask_shop("day")["state"] == "running":
            last = self._tell(last)
            time.sleep(2)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing is under way and every source was read again since."""
        began = db_now()
        self.say("The day is over; waiting until everything has arrived …")
        last = ""

        def settled() -> bool:
            nonlocal last
            last = self._tell(last)
            return not under_way(began)

        self._until(settled, "it does not come to rest")
        for line in held():
            self.say(f"held: {line}")

    def kill_cluster_halfway(self, orders: int) -> None:
        """Kill -9 the workers and all their processes; the runner starts them again."""
        self._until(lambda: Order.objects.count() >= orders / 2, "half of the orders did not come")
        if pid := self.stage.runner.pid("cluster"):
            os.killpg(pid, signal.SIGKILL)
            self.say(f"killed the cluster (process group {pid}) with -9.")

    def _warehouses_tied(self) -> bool:
        tie_warehouses()
        mine = Reference.objects.filter(connection__slug="shop", kind="location")
        return mine.exists() and not mine.exclude(state=Reference.State.CONFIRMED).exists()

    def _until(self, settled: Callable[[], bool], failure: str) -> None:
        end = time.monotonic() + SETTLES_WITHIN
        while not settled():
            if time.monotonic() > end:
                raise TimeoutError(
                    f"After {SETTLES_WITHIN // 60} minutes {failure}: see Cases in the portal."
                )
            time.sleep(2)

    def _tell(self, last: str) -> str:
        """One line with the figures, when they have changed."""
        state = Operation.State
        done = Operation.objects.filter(state=state.DONE)
        line = (
            f"{Order.objects.count()} orders read, {done.filter(kind='order').count()} changes of orders in Tryton · "
            f"{Shipment.objects.count()} parcels, {Refund.objects.count()} refunds, "
            f"{done.filter(kind='stock').count()} stock figures · "
            f"{Operation.objects.filter(state__in=Operation.OPEN).count()} open, "
            f"{Operation.objects.filter(state__in=[state.HELD, state.REVIEW]).count()} held"
        )
        if line != last:
            self.say(line)
        return line
