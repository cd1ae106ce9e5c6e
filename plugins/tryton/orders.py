"""Orders into Tryton: created, edited before shipment, cancelled."""

from __future__ import annotations

from portal.sdk import Change, Order, Receipt, SkipRecord

from .amend import Amendments
from .client import Json
from .directory import Directory
from .lines import SaleLine, order_lines
from .parties import Parties, address_key, address_values, words
from .sales import Sales, has_lines, is_void, receipt


class Orders:
    """The id of an order in Tryton is the shop's own (``web_id``): known before the first byte is sent."""

    def __init__(self, directory: Directory, sales: Sales, parties: Parties, amendments: Amendments) -> None:
        self._directory = directory
        self._sales = sales
        self._parties = parties
        self._amendments = amendments

    def push(self, change: Change[Order]) -> Receipt:
        order = change.record
        if order.state == "cancelled":
            return self._cancel(order)
        lines = order_lines(change, self._directory)
        sale = self._sales.find(order.external_id) if change.remote_id else None
        if sale is None:
            sale, new = self._sales.make(order.external_id, self._values(change), lines)
            if new:
                return receipt(self._settled(sale, order, lines))
        return self._bring(sale, change, lines)

    def find(self, change: Change[Order]) -> Receipt | None:
        """The receipt when the sale stands in Tryton as the order says, finished."""
        order = change.record
        sale = self._sales.find(order.external_id)
        if order.state == "cancelled":
            return _nothing() if sale is None else receipt(sale) if is_void(sale) else None
        if sale is None or sale["state"] not in {"processing", "done"}:
            return None
        lines = order_lines(change, self._directory)
        return receipt(sale) if has_lines(sale, lines) and self._stays(sale, change) else None

    def _values(self, change: Change[Order]) -> Json:
        order = change.record
        warehouse = int(change.ref("location", order.location))  # before anybody is made for it
        party, invoice_address, shipment_address = self._parties.for_order(order)
        return {
            "party": party,
            "invoice_address": invoice_address,
            "shipment_address": shipment_address,
            "warehouse": warehouse,
            "currency": self._directory.currency(order.currency).id,
            "reference": order.number,
            "sale_date": order.placed_at.date(),
            "comment": order.note,
        }

    def _settled(self, sale: Json, order: Order, lines: list[SaleLine]) -> Json:
        currency = self._directory.currency(order.currency)
        return self._sales.settle(sale, lines, order.total.amount, currency, f"Order {order.number}")

    def _bring(self, sale: Json, change: Change[Order], lines: list[SaleLine]) -> Receipt:
        """Bring the sale that is there to what the order says now."""
        order = change.record
        if sale["state"] == "cancelled":
            raise SkipRecord(
                f"Order {order.number} is open, but {_name(sale)} was cancelled in Tryton.",
                cause="cancelled-in-target",
                mend="Cancel the order at its source too, or set the sale to draft again in Tryton.",
            )
        if sale["state"] in {"draft", "quotation"}:
            if not (has_lines(sale, lines) and self._stays(sale, change)):
                sale = self._sales.rewrite(sale, self._values(change), lines)
            return receipt(self._settled(sale, order, lines))
        sale = self._sales.processed(sale)
        if has_lines(sale, lines) and self._stays(sale, change):
            return receipt(sale)
        self._amendments.refuse_if_left(sale, f"Order {order.number} was changed")
        if (
            sale["currency"]["code"] == order.currency
            and (plan := self._amendments.plan(sale, lines)) is not None
        ):
            plan += self._moves(sale, change)
            sale = self._amendments.apply(sale, plan)
            return receipt(self._settled(sale, order, lines), f"sale {sale['number']} changed")
        # Tryton takes no new line once a sale is confirmed: empty it and let a new one take its place.
        old = self._amendments.retire(sale, f"Replaced, because order {order.number} was changed.")
        sale, _ = self._sales.make(order.external_id, self._values(change), lines)
        return receipt(self._settled(sale, order, lines), f"replaces sale {old['number']}")

    def _stays(self, sale: Json, change: Change[Order]) -> bool:
        """Whether the goods still leave from the same place to the same address."""
        order = change.record
        if sale["warehouse"] != int(change.ref("location", order.location)):
            return False
        there = sale["shipment_address"]
        wanted = address_values(order.shipping)
        return there is None or not any(address_key(wanted)) or address_key(there) == address_key(wanted)

    def _moves(self, sale: Json, change: Change[Order]) -> list[Json]:
        """Amendments for another address or another warehouse."""
        order, found = change.record, []
        wanted = address_values(order.shipping)
        if any(address_key(wanted)) and address_key(sale["shipment_address"]) != address_key(wanted):
            party = sale["party"]
            found.append(
                {
                    "action": "party",
                    "party": party,
                    "invoice_address": sale["invoice_address"],
                    "shipment_address": self._parties.address(party, order.shipping),
                }
            )
        warehouse = int(change.ref("location", order.location))
        if sale["warehouse"] != warehouse:
            found.append({"action": "warehouse", "warehouse": warehouse})
        return found

    def _cancel(self, order: Order) -> Receipt:
        sale = self._sales.find(order.external_id)
        if sale is None:
            return _nothing()
        if is_void(sale):
            return receipt(sale)
        reason = words(f"Order {order.number} was cancelled")
        if sale["state"] in {"draft", "quotation"}:
            return receipt(self._amendments.cancel(sale))
        sale = self._sales.processed(sale)
        self._amendments.refuse_if_left(sale, reason)
        sale = self._amendments.empty(sale, f"{reason} at its source.")
        return receipt(sale, f"sale {sale['number']} emptied")


def _nothing() -> Receipt:
    return Receipt("", "cancelled before it reached Tryton")


def _name(sale: Json) -> str:
    return f"sale {sale['number']}" if sale["number"] else f"the sale with the id {sale['id']}"
