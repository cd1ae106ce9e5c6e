"""`/_demo/…`: how tests and the demo stage the shop and ask what is true in it. No token, no faults."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from .day import Day
from .errors import Refused
from .faults import Faults, Plan
from .money import ZERO, text
from .store import Store
from .trade import Trade
from .web import Request, Response, Routes
from .webhooks import Webhooks

Json = dict[str, Any]

ACTIONS = ("place", "edit", "pay", "cancel", "refund")


class Demo:
    """Answers the routes behind the scenes."""

    def __init__(self, store: Store, trade: Trade, faults: Faults, webhooks: Webhooks, day: Day) -> None:
        self.store, self.trade, self.faults, self.webhooks, self.day = store, trade, faults, webhooks, day
        self._routes = Routes(
            [
                ("GET", "/_demo/day", lambda _: self.day.progress()),
                ("POST", "/_demo/day", self.start_day),
                ("GET", "/_demo/faults", lambda _: self.faults.report()),
                ("PUT", "/_demo/faults", self.set_faults),
                ("POST", "/_demo/faults/next", self.script_fault),
                ("GET", "/_demo/effects", self.effects),
                ("GET", "/_demo/webhooks", lambda _: {"counts": dict(self.webhooks.counts)}),
                ("GET", "/_demo/truth", lambda _: truth(self.store)),
                ("POST", "/_demo/do/<action>", self.do),
            ]
        )

    def answer(self, request: Request) -> Response:
        try:
            return self._routes.answer(request)
        except (ValueError, TypeError, KeyError) as error:
            return Response.json({"error": f"{type(error).__name__}: {error}"}, 422)

    def start_day(self, request: Request) -> Json:
        """`{"orders": 320, "refunds": 45, "seconds": 60, "seed": 1}`, all optional; see `Day.start`."""
        return self.day.start(**request.json())

    def set_faults(self, request: Request) -> Json:
        """The fields of `faults.Plan`; what is left out takes its default, so `{}` ends the trouble."""
        self.faults.use(Plan.read(request.json()))
        return self.faults.report()

    def script_fault(self, request: Request) -> Json:
        """`{"kind": "reset_after", "method": "POST", "path": "/shipments", "times": 1}`."""
        self.faults.next(**request.json())
        return self.faults.report()

    def effects(self, request: Request) -> Json:
        """What API clients really changed, oldest first; `?after=` a sequence number."""
        return {"effects": self.store.effects(int(request.query("after") or 0))}

    def do(self, request: Request, action: str) -> Json:
        """Something that a customer or the merchant does: the arguments of the function of `Trade`."""
        if action not in ACTIONS:
            raise Refused(404, f"Nobody can {action!r} here; choose from {list(ACTIONS)}.")
        done: Json = getattr(self.trade, action)(**request.json())
        return done


def truth(store: Store) -> Json:
    """What stands in the shop's books: orders and refunds with their sums per currency, stock, shipments.

    Sums of orders leave the cancelled ones out; they are counted apart.
    """
    orders = sorted(store.all("order"), key=lambda order: int(order["id"][1:]))
    refunds = sorted(store.all("refund"), key=lambda refund: int(refund["id"][1:]))
    alive = [order for order in orders if order["status"] != "cancelled"]
    return {
        "orders": {
            "count": len(alive),
            "cancelled": len(orders) - len(alive),
            "by_currency": _sums([(order["currency"], order["totals"]["total"]) for order in alive]),
            "all": [_brief(order) for order in orders],
        },
        "refunds": {
            "count": len(refunds),
            "by_currency": _sums([(refund["currency"], refund["total"]) for refund in refunds]),
            "all": refunds,
        },
        "stock": sorted(store.all("stock"), key=lambda level: (level["sku"], level["id"])),
        "shipments": store.all("shipment"),
    }


def _brief(order: Json) -> Json:
    kept = (
        "id",
        "number",
        "revision",
        "status",
        "payment_status",
        "fulfilment_status",
        "currency",
        "captured",
        "refunded",
    )
    lines = {"total": order["totals"]["total"], "lines": len(order["lines"]), "location": order["location"]}
    return {name: order[name] for name in kept} | lines


def _sums(amounts: list[tuple[str, str]]) -> Json:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    counts: dict[str, int] = defaultdict(int)
    for currency, amount in amounts:
        sums[currency] += Decimal(amount)
        counts[currency] += 1
    return {
        currency: {"count": counts[currency], "total": text(sums[currency], currency)}
        for currency in sorted(sums)
    }
