"""People in the warehouses of the demo, picking and packing while the shop's day goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Self

from plugins.tryton.server.warehouse import Warehouse
from portal.demo.stage import Stage
from portal.sync.models import Operation

PATIENCE = timedelta(seconds=25)
"""How long an order waits before it is picked: in this time the shop may still change or cancel it."""

PAUSE = 4.0
DELIVERIES = {"BER": {"TEA-001": 30, "TEA-002": 12}, "VIE": {"TEA-003": 20}, "LIN": {"TEA-001": 8}}
"""What suppliers bring in the middle of the day."""


class Shift:
    """A thread that ships what has waited long enough, until ``most`` parcels have left."""

    def __init__(self, stage: Stage, memory: Path, *, most: int, say: Callable[[str], None]) -> None:
        self._stage, self._memory, self._most, self._say = stage, memory, most, say
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="warehouse", daemon=True)
        self.shipped = 0
        self.over = threading.Event()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _work(self) -> None:
        if self._memory.exists():
            self.over.set()
            return
        people = Warehouse(self._stage.tryton)
        while not self._stop.wait(PAUSE) and self.shipped < self._most:
            left = people.ship(
                most=min(12, self._most - self.shipped), waiting_for=PATIENCE, spare=self._changing()
            )
            self.shipped += len(left)
            if left:
                self._say(f"warehouse: {len(left)} parcels left, {self.shipped} so far.")
            elif self._stage.ask_shop("day")["state"] == "done" and self._idle():
                break
        if not self._stop.is_set():
            for code, quantities in DELIVERIES.items():
                people.receive(code, quantities)
            self._say("warehouse: suppliers delivered to Berlin, Vienna and Linz.")
            self._memory.touch()
        self.over.set()

    def _changing(self) -> set[str]:
        """Orders that the shop has changed and Tryton has not heard of yet: shipping them would be too early.

        In a company somebody calls the warehouse; what is not caught in time is held for a person.
        """
        still = Operation.objects.filter(kind="order", state__in=Operation.OPEN, intent__gt=1)
        return {payload["external_id"] for payload in still.values_list("payload", flat=True)}

    def _idle(self) -> bool:
        """Whether nothing more is coming: no shipment has waited, and the portal has nothing left to send."""
        return not Operation.objects.filter(connection__slug="erp", state__in=Operation.WAITING).exists()
