"""The people in the warehouses and the office: they ship, receive, count and invoice.

What they do to an order follows from the seed and the order's id alone, not from when they come by.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from .rpc import Rpc, RpcError
from .server import TrytonServer

SHIPMENT = "stock.shipment.out"
PARTIAL = 0.2
"""The share of orders that leave in two parcels."""


class Warehouse:
    """Use it from one thread; open another for the next."""

    def __init__(self, server: TrytonServer, seed: int = 0) -> None:
        self._rpc = Rpc(server)
        self._seed = seed
        carriers = self._rpc.read("carrier", [], ["party.name"])
        self._carriers = [(raw["id"], raw["party."]["name"]) for raw in carriers]
        warehouses = self._rpc.read("stock.location", [["type", "=", "warehouse"]], _PLACES)
        self._warehouses = {raw["code"]: raw for raw in warehouses}

    def ship(
        self, *, most: int = 20, waiting_for: timedelta = timedelta(0), spare: Collection[str] = ()
    ) -> list[str]:
        """Ship up to ``most`` shipments that wait at least that long; returns the orders' ids (``web_id``).

        Some leave whole. Of some a part leaves, and Tryton makes a second shipment of the rest, which the
        next call may take. What lacks stock goes on waiting, and so do the orders to ``spare`` (their ``web_id``).
        """
        before = datetime.now(UTC) - waiting_for
        fields = ["inventory_moves.quantity", "outgoing_moves.origin"]
        domain = [["state", "=", "waiting"], ["create_date", "<=", before]]
        waiting = self._rpc.read(SHIPMENT, domain, fields)
        orders = {
            shipment: order
            for shipment, order in self._orders(waiting).items()
            if order["web_id"] not in spare
        }
        # An order changed or cancelled meanwhile has lost its shipment: the others go on.
        there = [
            raw["id"]
            for raw in [raw for raw in waiting if raw["id"] in orders][:most]
            if _accepted(self._leave_a_part_behind, raw, orders[raw["id"]])
        ]
        there = self._one_by_one_if_needed("assign_try", there)
        assigned = [raw["id"] for raw in self._in_state("assigned", there)]
        ready = [shipment for shipment in assigned if _accepted(self._label, shipment, orders[shipment])]
        for button in ("pick", "pack", "do"):
            ready = self._one_by_one_if_needed(button, ready)
        return [orders[shipment]["web_id"] for shipment in ready]

    def receive(self, code: str, deliveries: Mapping[str, int]) -> None:
        """A supplier delivers these quantities by SKU to the warehouse with this code."""
        warehouse = self._warehouses[code]
        supplier = self._rpc.read("party.party", [["name", "=", self._carriers[0][1]]], ["id"])[0]["id"]
        source = self._rpc.read("stock.location", [["type", "=", "supplier"]], ["id"])[0]["id"]
        company = self._rpc.read("company.company", [], ["currency"])[0]
        moves = [
            {
                "company": company["id"],
                "product": product["id"],
                "unit": product["default_uom"],
                "quantity": float(deliveries[product["code"]]),
                "from_location": source,
                "to_location": warehouse["input_location"],
                "unit_price": Decimal(0),
                "currency": company["currency"],
            }
            for product in self._products(deliveries)
        ]
        values = {
            "supplier": supplier,
            "company": company["id"],
            "warehouse": warehouse["id"],
            "warehouse_input": warehouse["input_location"],
            "warehouse_storage": warehouse["storage_location"],
            "incoming_moves": [["create", moves]],
        }
        shipment = self._rpc.call("model.stock.shipment.in.create", [values])
        for button in ("receive", "do"):
            self._rpc.press("stock.shipment.in", button, shipment)

    def count(self, code: str, counted: Mapping[str, int]) -> None:
        """An inventory finds these quantities by SKU on the shelves of the warehouse with this code."""
        lines = [
            {"product": product["id"], "quantity": float(counted[product["code"]])}
            for product in self._products(counted)
        ]
        location = self._warehouses[code]["storage_location"]
        values = {"location": location, "date": datetime.now(UTC).date(), "lines": [["create", lines]]}
        inventory = self._rpc.call("model.stock.inventory.create", [values])
        self._rpc.press("stock.inventory", "confirm", inventory)

    def invoice(self, *, most: int = 20) -> int:
        """Post the invoices of orders that left in full; returns how many."""
        domain = [["state", "=", "draft"], ["type", "=", "out"], ["sales.shipment_state", "=", "sent"]]
        drafts = [raw["id"] for raw in self._rpc.read("account.invoice", domain, ["id"])][:most]
        self._rpc.press("account.invoice", "post", drafts)
        return len(drafts)

    def _orders(self, shipments: list[dict[str, Any]]) -> dict[int, dict[str, Any]]:
        """The sale of each shipment."""
        lines = {raw["id"]: _sale_line(raw) for raw in shipments if _sale_line(raw)}
        fields = ["sale.web_id", "sale.shipment_state"]
        found = self._rpc.read("sale.line", [["id", "in", sorted(lines.values())]], fields)
        sales = {raw["id"]: raw["sale."] for raw in found if raw["sale."]["web_id"]}
        return {shipment: sales[line] for shipment, line in lines.items() if line in sales}

    def _leave_a_part_behind(self, shipment: dict[str, Any], order: dict[str, Any]) -> None:
        dice = self._dice(order)
        moves = shipment["inventory_moves."]
        if order["shipment_state"] == "partially shipped" or dice.random() >= PARTIAL:
            return
        if sum(float(move["quantity"]) for move in moves) < 2:
            return
        several = [move for move in moves if float(move["quantity"]) > 1]
        if several:
            move = dice.choice(sorted(several, key=lambda move: move["id"]))
            less = float(dice.randint(1, int(float(move["quantity"])) - 1))
        else:
            move, less = max(moves, key=lambda move: move["id"]), 0.0
        self._rpc.call("model.stock.move.write", [move["id"]], {"quantity": less})

    def _label(self, shipment: int, order: dict[str, Any]) -> None:
        dice = self._dice(order)
        carrier, name = dice.choice(self._carriers)
        tracking = f"{name[:3].upper()}{dice.randint(10**9, 10**10 - 1)}-{shipment}"
        values = {"carrier": carrier, "shipping_reference": tracking}
        self._rpc.call(f"model.{SHIPMENT}.write", [shipment], values)

    def _one_by_one_if_needed(self, button: str, shipments: list[int]) -> list[int]:
        """Press it for all at once; where one is refused, such as one withdrawn meanwhile, for each alone."""
        try:
            self._rpc.press(SHIPMENT, button, shipments)
        except RpcError:
            return [
                shipment for shipment in shipments if _accepted(self._rpc.press, SHIPMENT, button, [shipment])
            ]
        return shipments

    def _in_state(self, state: str, shipments: list[int]) -> list[dict[str, Any]]:
        return self._rpc.read(SHIPMENT, [["id", "in", shipments], ["state", "=", state]], ["id"])

    def _products(self, by_sku: Mapping[str, int]) -> list[dict[str, Any]]:
        return self._rpc.read("product.product", [["code", "in", sorted(by_sku)]], ["code", "default_uom"])

    def _dice(self, order: dict[str, Any]) -> random.Random:
        return random.Random(f"{self._seed}:{order['web_id']}")  # noqa: S311 - dice of a demo


_PLACES = ["code", "input_location", "storage_location"]


def _sale_line(shipment: dict[str, Any]) -> int:
    """The id of a sale line that the shipment carries goods of; 0 where it carries none."""
    for move in shipment["outgoing_moves."]:
        model, _, number = (move["origin"] or "").partition(",")
        if model == "sale.line":
            return int(number)
    return 0


def _accepted(work: Callable[..., Any], *arguments: Any) -> bool:
    try:
        work(*arguments)
    except RpcError:
        return False
    return True
