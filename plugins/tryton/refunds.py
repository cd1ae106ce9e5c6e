"""Refunds into Tryton: a return sale, its goods received, its credit note posted."""

from __future__ import annotations

from portal.sdk import Change, Receipt, Refund, SkipRecord

from .client import Client, Json
from .directory import Directory
from .lines import refund_lines
from .sales import Sales, is_void, receipt

PREFIX = "R-"
"""Refunds share the web shop's ids with its orders; this keeps the two apart."""


def web_id(refund: Refund) -> str:
    return PREFIX + refund.external_id


class Refunds:
    """A refund is a sale of its own in Tryton, with negative quantities and the first sale as its origin."""

    def __init__(self, client: Client, directory: Directory, sales: Sales) -> None:
        self._client = client
        self._directory = directory
        self._sales = sales

    def push(self, change: Change[Refund]) -> Receipt:
        refund = change.record
        name = f"Refund {refund.number or refund.external_id}"
        lines = refund_lines(change, self._directory)
        currency = self._directory.currency(refund.currency)
        sale = self._sales.find(web_id(refund)) if change.remote_id else None
        if sale is None:
            sale, _ = self._sales.make(web_id(refund), self._values(change, name), lines)
        if sale["state"] == "cancelled":
            raise SkipRecord(f"{name}: its return sale was cancelled in Tryton.", cause="cancelled-in-target")
        sale = self._sales.settle(sale, lines, -refund.total.amount, currency, name)
        for shipment in sale["shipment_returns"]:
            buttons = {"draft": ("receive", "do"), "received": ("do",)}.get(shipment["state"], ())
            for button in buttons:
                self._client.press("stock.shipment.out.return", shipment["id"], button)
        self._sales.post(sale)
        return receipt(sale, f"return sale {sale['number']}, credit note posted")

    def find(self, change: Change[Refund]) -> Receipt | None:
        """The receipt when the goods are back and the credit note is posted."""
        sale = self._sales.find(web_id(change.record))
        if sale is None or sale["state"] not in {"processing", "done"}:
            return None
        received = all(shipment["state"] == "done" for shipment in sale["shipment_returns"])
        posted = all(invoice["state"] in {"posted", "paid"} for invoice in sale["invoices"])
        return receipt(sale) if received and posted else None

    def _values(self, change: Change[Refund], name: str) -> Json:
        refund = change.record
        order_id = change.ref("order", refund.order_id)
        origin = self._sales.find(order_id)
        if origin is None or origin["state"] not in {"processing", "done"} or is_void(origin):
            state = (
                "is not there"
                if origin is None
                else "was cancelled"
                if is_void(origin)
                else "is not confirmed yet"
            )
            raise SkipRecord(
                f"{name} belongs to the order {refund.order_id}, whose sale {state} in Tryton.",
                cause="order-not-there",
                mend="Let the order pass first, then send the refund again.",
            )
        places = {change.ref("location", line.restock_to) for line in refund.lines if line.restock_to}
        if len(places) > 1:
            raise SkipRecord(
                f"{name} brings goods back to {len(places)} places, but a return in Tryton goes to one warehouse.",
                cause="several-places",
                mend="Enter this return in Tryton by hand.",
            )
        return {
            "party": origin["party"],
            "invoice_address": origin["invoice_address"],
            "shipment_address": (origin["shipment_address"] or {}).get("id"),
            "warehouse": int(places.pop()) if places else origin["warehouse"],
            "currency": self._directory.currency(refund.currency).id,
            "origin": f"sale.sale,{origin['id']}",
            "reference": refund.number,
            "sale_date": refund.refunded_at.date(),
            "comment": refund.reason,
        }
