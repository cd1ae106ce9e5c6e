"""Questions for the final check, asked of Tryton itself and by other ways than the connector's."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal

from .rpc import Rpc
from .server import TrytonServer

RETURN = "R-"


@dataclass(frozen=True, slots=True)
class LedgerSale:
    """An order's sale. ``cancelled`` also where Tryton says *done* of a sale that was emptied."""

    web_id: str
    number: str
    state: str
    currency: str
    total: Decimal
    cancelled: bool


@dataclass(frozen=True, slots=True)
class LedgerReturn:
    """A refund's return sale. ``total`` is what goes back to the customer, positive."""

    web_id: str
    refund_id: str
    state: str
    currency: str
    total: Decimal
    posted: bool
    received: bool


@dataclass(frozen=True, slots=True)
class LedgerShipment:
    web_id: str
    number: str
    carrier: str
    tracking: str
    quantities: dict[str, Decimal]


class Ledger:
    """Use it from one thread. Every question is asked anew."""

    def __init__(self, server: TrytonServer) -> None:
        self._rpc = Rpc(server)

    def sales(self) -> list[LedgerSale]:
        """The sales of the shop's orders; those that another sale replaced are left out."""
        found = []
        for raw in self._sales():
            if not raw["web_id"].startswith(RETURN):
                lines = [line for line in raw["lines."] if Decimal(line["quantity"] or 0)]
                cancelled = raw["state"] == "cancelled" or (bool(raw["lines."]) and not lines)
                sums = raw["currency."]["code"], Decimal(raw["total_amount"])
                found.append(LedgerSale(raw["web_id"], raw["number"] or "", raw["state"], *sums, cancelled))
        return found

    def returns(self) -> list[LedgerReturn]:
        return [
            LedgerReturn(
                web_id=raw["web_id"],
                refund_id=raw["web_id"].removeprefix(RETURN),
                state=raw["state"],
                currency=raw["currency."]["code"],
                total=-Decimal(raw["total_amount"]),
                posted=bool(raw["invoices."])
                and all(i["state"] in {"posted", "paid"} for i in raw["invoices."]),
                received=all(shipment["state"] == "done" for shipment in raw["shipment_returns."]),
            )
            for raw in self._sales()
            if raw["web_id"].startswith(RETURN)
        ]

    def doubled(self) -> dict[str, int]:
        """Order numbers that more than one sale in force carries. Tryton itself forbids it only per web_id."""
        live = {sale.web_id for sale in self.sales() if not sale.cancelled}
        counts = Counter(
            raw["reference"] for raw in self._sales() if raw["web_id"] in live and raw["reference"]
        )
        return {reference: count for reference, count in counts.items() if count > 1}

    def stock(self) -> dict[tuple[str, str], Decimal]:
        """What can be sold by (SKU, warehouse code): Tryton's forecast once everything planned is done."""
        levels = {}
        for warehouse in self._rpc.read("stock.location", [["type", "=", "warehouse"]], ["code"]):
            context = {"locations": [warehouse["id"]], "with_childs": True}
            domain = [["type", "=", "goods"], ["salable", "=", True]]
            for raw in self._rpc.read("product.product", domain, ["code", "forecast_quantity"], **context):
                levels[raw["code"], warehouse["code"]] = Decimal(raw["forecast_quantity"])
        return levels

    def shipments(self) -> list[LedgerShipment]:
        """Shipments that left, of the shop's orders."""
        orders = {shipment: raw["web_id"] for raw in self._sales() for shipment in raw["shipments"]}
        fields = ["number", "shipping_reference", "carrier.party.name", *_MOVES]
        found = self._rpc.read("stock.shipment.out", [["state", "in", ["shipped", "done"]]], fields)
        shipments = []
        for raw in found:
            quantities: defaultdict[str, Decimal] = defaultdict(Decimal)
            for move in raw["outgoing_moves."]:
                quantities[move["product."]["code"]] += Decimal(move["quantity"])
            carrier = raw["carrier."]["party."]["name"] if raw["carrier."] else ""
            shipments.append(
                LedgerShipment(
                    orders.get(raw["id"], ""),
                    raw["number"],
                    carrier,
                    raw["shipping_reference"] or "",
                    dict(quantities),
                )
            )
        return [shipment for shipment in shipments if shipment.web_id]

    def _sales(self) -> list[dict]:
        domain = [["web_id", "!=", None], ["web_id", "not like", "%~%"]]
        return self._rpc.read("sale.sale", domain, _SALE)


_MOVES = ["outgoing_moves.quantity", "outgoing_moves.product.code"]
_SALE = [
    "web_id",
    "number",
    "reference",
    "state",
    "currency.code",
    "total_amount",
    "shipments",
    "shipment_returns.state",
    "invoices.state",
    "lines.quantity",
]
