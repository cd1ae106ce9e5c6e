"""The demo day: what customers and staff do in the shop, planned from a seed, done once.

Each step and the note that it was done are one transaction, so a shop that is stopped in the middle goes
on where it was, and a day that is over is not done again.
"""

import random
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .catalogue import LOCATIONS, read
from .errors import Refused
from .people import UNUSUAL, customer, namesake, unusual
from .store import Store
from .trade import Trade

Json = dict[str, Any]

LEAST_ORDERS = 60


@dataclass(frozen=True)
class Step:
    """One thing that happens: `at` between 0 and 1 of the day, to the order with this number of the day."""

    at: float
    action: str
    order: int
    detail: Json = field(default_factory=dict)


def plan(orders: int = 320, refunds: int = 45, seed: int = 1) -> list[Step]:
    """The whole day in order of time; the same arguments give the same day.

    ValueError when there are too few orders for the unusual ones, or more refunds than a third of them.
    """
    if orders < LEAST_ORDERS or refunds > orders // 3:
        raise ValueError(f"A demo day needs at least {LEAST_ORDERS} orders, and three for each refund.")
    dice = random.Random(seed)  # noqa: S311 (a repeatable day, not a secret)
    odd = _unusual_orders(dice)
    placed = [_order(dice) | odd.get(number, {}) for number in range(orders)]
    steps = [Step(number / orders * 0.8, "place", number, detail) for number, detail in enumerate(placed)]
    ordinary = [number for number in range(orders) if number not in odd]
    dice.shuffle(ordinary)
    to_cancel, to_edit, to_pay = orders // 16, orders // 12, orders // 30
    for change in range(to_cancel + to_edit + to_pay):
        number = ordinary.pop()
        soon = steps[number].at + 0.02 + dice.random() * 0.05
        if change < to_cancel:
            steps.append(
                Step(soon, "cancel", number, {"reason": dice.choice(["customer", "fraud", "inventory"])})
            )
        elif change < to_cancel + to_edit:
            steps.append(Step(soon, "edit", number, _edit(dice)))
        else:
            placed[number]["paid"] = False
            steps.append(Step(soon, "pay", number))
    for count in range(refunds):
        # Every fifth refund is of the order refunded before: the rest of it, with its shipping.
        number, detail = (number, {"whole": True}) if count % 5 == 4 else (ordinary.pop(), _refund(dice))
        earliest = max(steps[number].at + 0.1, 0.5)
        at = (
            earliest + dice.random() * (0.9 - earliest)
            if "whole" not in detail
            else 0.9 + dice.random() * 0.1
        )
        steps.append(Step(at, "refund", number, detail | {"count": count}))
    return sorted(steps, key=lambda step: step.at)


class Day:
    """Runs the day in a thread, and remembers in the store how far it is."""

    def __init__(self, store: Store, trade: Trade) -> None:
        self._store, self._trade = store, trade
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self, orders: int = 320, refunds: int = 45, seconds: float = 60, seed: int = 1) -> Json:
        """Start the day, spread over `seconds`; once started or done it only tells its progress.

        ValueError for numbers that make no day.
        """
        with self._lock:
            if not self._store.meta("day"):
                steps = len(plan(orders, refunds, seed))
                asked = {"orders": orders, "refunds": refunds, "seconds": seconds, "seed": seed}
                self._store.set_meta("day", asked | {"steps": steps, "done": 0, "refused": []})
        self.resume()
        return self.progress()

    def resume(self) -> None:
        """Go on with a day that was begun."""
        with self._lock:
            day = self._store.meta("day")
            if day and day["done"] < day["steps"] and self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(day,), name="shop-day", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread:
            self._thread.join()

    def progress(self) -> Json:
        """`{"state": "none" | "running" | "done", "steps": …, "done": …, "refused": [sentences], …}`."""
        day: Json | None = self._store.meta("day")
        if not day:
            return {"state": "none"}
        return {"state": "done" if day["done"] == day["steps"] else "running"} | day

    def _run(self, day: Json) -> None:
        steps = plan(day["orders"], day["refunds"], day["seed"])[day["done"] :]
        begin = time.monotonic() - steps[0].at * day["seconds"]
        for step in steps:
            if self._stopping.wait(max(begin + step.at * day["seconds"] - time.monotonic(), 0)):
                return
            try:
                with self._store.transaction():
                    self._do(step)
                    self._note()
            except Refused as refusal:
                self._note(f"{step.action} of order {step.order}: {refusal.message}")

    def _note(self, refused: str | None = None) -> None:
        with self._store.transaction():
            day = self._store.meta("day")
            day["done"] += 1
            if refused:
                day["refused"].append(refused)
            self._store.set_meta("day", day)

    def _do(self, step: Step) -> None:
        if step.action == "place":
            self._trade.place(step.detail, key=f"day-{step.order}")
            return
        order = self._store.by_key("order", f"day-{step.order}")
        if order is None:
            raise Refused(404, "it was never placed")
        match step.action:
            case "cancel":
                self._trade.cancel(order["id"], step.detail["reason"])
            case "pay":
                self._trade.pay(order["id"])
            case "edit":
                self._trade.edit(order["id"], _changes(order, step.detail))
            case "refund":
                lines, shipping = _given_back(order, step.detail)
                self._trade.refund(order["id"], lines, shipping=shipping, key=f"day-{step.detail['count']}")


def _order(dice: random.Random) -> Json:
    """An ordinary order, as `Trade.place` takes it."""
    currency = dice.choices(["EUR", "USD", "JPY", "KWD"], [65, 27, 4, 4])[0]
    lines = [
        {"sku": sku, "quantity": dice.choice([1, 1, 1, 2, 2, 3, 5])}
        for sku in dice.sample(_skus(), dice.choice([1, 1, 2, 2, 3, 4, 6]))
    ]
    discounts = dice.choices(
        [
            [],
            [{"code": "TEE10", "percent": "10"}],
            [{"code": "TREUE", "percent": "7.5"}],
            [{"code": "FUENF", "nominal": "5"}],
        ],
        [75, 12, 6, 7],
    )[0]
    fee = {"EUR": "4.90", "USD": "6.50", "JPY": "800", "KWD": "2.250"}[currency]
    return customer(dice) | {
        "currency": currency,
        "tax_included": dice.random() < 0.6,
        "location": dice.choice(list(LOCATIONS.values()))["code"],
        "lines": lines,
        "discounts": discounts,
        "shipping": {
            "title": dice.choice(["DHL Paket", "Post Österreich", "Express"]),
            "amount": fee,
            "free": dice.random() < 0.1,
        },
    }


def _unusual_orders(dice: random.Random) -> dict[int, Json]:
    """What differs from an ordinary order, by the order's number of the day: every second one from 1."""
    skus = _skus()
    changes: list[Json] = [
        *[unusual(dice, number) for number in range(len(UNUSUAL))],
        *[namesake(dice, number) for number in range(3)],
        {"lines": [{"sku": dice.choice(skus), "quantity": 1} for _ in range(250)], "currency": "EUR"},
        {"lines": [{"sku": "TEA-005", "quantity": 1}, {"sku": "TEA-014", "quantity": 1, "unit_price": "0", "title": "Gratisprobe"}]},
        {"shipping": {"title": "Kostenlos", "amount": "4.90", "free": True}, "currency": "EUR"},
        {"discounts": [{"code": "ALLES", "percent": "100"}], "shipping": {"title": "Geschenk", "amount": "0"}},
        {"discounts": [{"code": "ZUVIEL", "nominal": "5000"}], "lines": [{"sku": "TEA-015", "quantity": 1}], "currency": "EUR"},
        {"lines": [{"sku": "CUP-001", "quantity": 3, "minus_zero": True}], "discounts": [], "currency": "EUR"},
        {"lines": [{"sku": "BRW-009", "quantity": 7, "unit_price": "9999999.99"}], "currency": "EUR", "discounts": []},
        {"lines": [{"sku": "BOK-001", "quantity": 3}], "discounts": [{"code": "DRITTEL", "nominal": "10.01"}], "currency": "USD"},
        *[{"currency": currency, "discounts": [{"code": "SIEBEN", "percent": "7.77"}], "tax_included": included,
           "shipping": {"title": "Luftpost", "amount": fee}}
          for currency, fee in (("JPY", "801"), ("KWD", "2.255")) for included in (True, False)],
    ]  # fmt: skip
    return {1 + 2 * number: change for number, change in enumerate(changes)}


def _edit(dice: random.Random) -> Json:
    street = f"Neue Gasse {dice.randint(1, 99)}"
    return dice.choice(
        [
            {"quantity": dice.randint(1, 4)},
            {"add": dice.choice(_skus())},
            {"remove": True, "add": dice.choice(_skus())},
            {"street": street},
        ]
    )


def _refund(dice: random.Random) -> Json:
    return {
        "lines": dice.randint(1, 3),
        "all_pieces": dice.random() < 0.5,
        "restock": dice.random() < 0.6,
        "shipping": dice.random() < 0.2,
    }


def _changes(order: Json, detail: Json) -> list[Json]:
    """A planned edit in terms of the order's lines as they are now."""
    last = order["lines"][-1]["id"]
    changes: list[Json] = []
    if "quantity" in detail:
        changes.append({"op": "quantity", "line": last, "quantity": detail["quantity"]})
    if "add" in detail:
        changes.append({"op": "add", "sku": detail["add"], "quantity": 1})
    if "remove" in detail:
        changes.append({"op": "remove", "line": last})
    if "street" in detail:
        changes.append(
            {"op": "address", "shipping_address": order["shipping_address"] | {"street": detail["street"]}}
        )
    return changes


def _given_back(order: Json, detail: Json) -> tuple[list[Json], bool]:
    """A planned refund in terms of what is left of the order's lines: (lines, whether shipping too)."""
    lines = []
    for line in order["lines"][: detail.get("lines")]:
        left = line["quantity"] - line["refunded"]
        pieces = left if detail.get("whole") or detail["all_pieces"] else min(1, left)
        restock = order["location"] if detail.get("restock", True) else None
        if pieces:
            lines.append({"line": line["id"], "quantity": pieces, "restock": restock})
    return lines, bool(detail.get("whole") or detail["shipping"])


def _skus() -> list[str]:
    return [entry["sku"] for entry in read()]
