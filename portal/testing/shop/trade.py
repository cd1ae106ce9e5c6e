"""What customers and merchants do: orders placed, edited, paid, cancelled, refunded.

Each function is one transaction over the store. The rules a shop keeps are here and nowhere else: stock
falls with an order and rises with a cancel or a restocking refund; a refund never exceeds what was
captured; nothing changes any more once it was shipped.
"""

from decimal import Decimal
from typing import Any

from .catalogue import list_price
from .errors import Refused
from .money import ZERO, part_of, taxed, text
from .pricing import price
from .store import Store, written
from .warehouse import Warehouse, get_line, get_order

Json = dict[str, Any]


class Trade:
    """The shop's business over one store, seeded before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.warehouse = Warehouse(store)

    def place(self, order: Json, key: str | None = None) -> Json:
        """Place an order and lower the stock at its location.

        Takes `currency`, `tax_included`, `location` (code), `lines` (`sku` or `variant_id`, `quantity`,
        optionally `unit_price`), and optionally `customer` (None for a guest), `email`,
        `billing_address`, `shipping_address`, `discounts`, `shipping`, `paid`, `note`.
        """
        with self.store.transaction():
            number = self.store.next_number("order number", 1001)
            now = written(self.store.now_us())
            placed: Json = {
                "id": f"o{number}",
                "number": f"#{number}",
                "created_at": now,
                "status": "open",
                "payment_status": "paid" if order.get("paid", True) else "pending",
                "fulfilment_status": "unshipped",
                "currency": order["currency"],
                "tax_included": order["tax_included"],
                "location": order["location"],
                "location_id": self.warehouse.location_id(order["location"]),
                "customer": order.get("customer"),
                "email": order.get("email"),
                "billing_address": order.get("billing_address"),
                "shipping_address": order.get("shipping_address"),
                "lines": [],
                "discounts": [
                    {"code": each["code"], "percent": each.get("percent"), "nominal": each.get("nominal")}
                    for each in order.get("discounts", [])
                ],
                "shipping": {"title": "Versand", "amount": "0", "tax_rate": "19", "free": False}
                | order.get("shipping", {})
                | {"refunded": "0"},
                "note": order.get("note", ""),
                "shipments": [],
                "refunded": "0",
            }
            for line in order["lines"]:
                self._add_line(placed, line)
            placed["shipping"]["amount"] = text(Decimal(placed["shipping"]["amount"]), placed["currency"])
            self._settle(placed)
            return self.store.save("order", placed, key=key, topic="order.created")

    def edit(self, order_id: str, changes: list[Json]) -> Json:
        """Change an order before anything of it was shipped or refunded; prices and payment follow.

        A change is `{"op": "quantity", "line": id, "quantity": n}`, `{"op": "remove", "line": id}`,
        `{"op": "add", "sku": …, "quantity": n}` or `{"op": "address", "shipping_address": {…}}`.
        """
        with self.store.transaction():
            order = self._open(order_id, "edited")
            for change in changes:
                match change["op"]:
                    case "quantity":
                        line = get_line(order, change["line"])
                        self.warehouse.move(line, order["location"], line["quantity"] - change["quantity"])
                        line["quantity"] = change["quantity"]
                    case "remove":
                        line = get_line(order, change["line"])
                        self.warehouse.move(line, order["location"], line["quantity"])
                        order["lines"].remove(line)
                    case "add":
                        self._add_line(order, change)
                    case "address":
                        order["shipping_address"] = change["shipping_address"]
                    case other:
                        raise Refused(422, f"An order cannot be edited by {other!r}.")
            self._settle(order)
            return self.store.save("order", order, topic="order.updated")

    def pay(self, order_id: str) -> Json:
        """Capture the total of an order that was placed unpaid."""
        with self.store.transaction():
            order = self._open(order_id, "paid")
            order["payment_status"] = "paid"
            self._settle(order)
            return self.store.save("order", order, topic="order.updated")

    def cancel(self, order_id: str, reason: str = "customer") -> Json:
        """Cancel an order nothing of which was shipped or refunded: its payment is voided, its stock is back."""
        with self.store.transaction():
            order = self._open(order_id, "cancelled")
            for line in order["lines"]:
                self.warehouse.move(line, order["location"], line["quantity"])
            order |= {"status": "cancelled", "cancel_reason": reason, "payment_status": "voided"}
            order["captured"] = text(ZERO, order["currency"])
            return self.store.save("order", order, topic="order.cancelled")

    def refund(
        self, order_id: str, lines: list[Json], *, shipping: bool = False, key: str | None = None
    ) -> Json:
        """Give money back for pieces of lines (`line`, `quantity`, `restock`: location code or None) and shipping.

        Every amount is what the customer paid, tax within it.
        """
        with self.store.transaction():
            order = get_order(self.store, order_id)
            currency = order["currency"]
            parts = [self._refund_line(order, wanted) for wanted in lines]
            fee = order["shipping"]
            freight = Decimal(fee["total"]) - Decimal(fee["refunded"]) if shipping else ZERO
            fee["refunded"] = text(Decimal(fee["refunded"]) + freight, currency)
            total = sum((Decimal(part["amount"]) for part in parts), freight)
            refunded = Decimal(order["refunded"]) + total
            if refunded > Decimal(order["captured"]):
                raise Refused(
                    409, f"{order['number']} captured {order['captured']} {currency}; {refunded} is more."
                )
            freight_tax = taxed(freight, Decimal(fee["tax_rate"]), currency, included=True).tax
            refund = {
                "id": f"r{self.store.next_number('refund number', 501)}",
                "order_id": order_id,
                "order_number": order["number"],
                "created_at": written(self.store.now_us()),
                "currency": currency,
                "lines": parts,
                "shipping": {
                    "amount": text(freight, currency),
                    "tax": text(freight_tax, currency),
                    "tax_rate": fee["tax_rate"],
                },
                "total": text(total, currency),
            }
            order["refunded"] = text(refunded, currency)
            order["payment_status"] = (
                "refunded" if refunded == Decimal(order["captured"]) else "partially_refunded"
            )
            self.store.save("order", order, topic="order.updated")
            return self.store.save("refund", refund, key=key, topic="refund.created")

    def _add_line(self, order: Json, wanted: Json) -> None:
        variant = self.warehouse.variant(wanted)
        order["line_count"] = order.get("line_count", 0) + 1
        price_each = list_price(variant, order["currency"], included=order["tax_included"])
        line = {
            "id": f"{order['id']}-{order['line_count']}",
            "variant_id": variant["id"],
            "sku": variant["sku"],
            "title": wanted.get("title", variant["title"]),
            "quantity": wanted["quantity"],
            "unit_price": text(Decimal(wanted.get("unit_price", price_each)), order["currency"]),
            "tax_rate": variant["tax_rate"],
            "shipped": 0,
            "refunded": 0,
            "refunded_amount": "0",
        }
        if wanted.get("minus_zero"):
            line["minus_zero"] = True
        self.warehouse.move(line, order["location"], -line["quantity"])
        order["lines"].append(line)

    def _settle(self, order: Json) -> None:
        if not order["lines"] or any(line["quantity"] < 1 for line in order["lines"]):
            raise Refused(422, "An order needs at least one line, and every line at least one piece.")
        price(order)
        paid = order["payment_status"] == "paid"
        order["captured"] = order["totals"]["total"] if paid else text(ZERO, order["currency"])

    def _refund_line(self, order: Json, wanted: Json) -> Json:
        line, quantity, currency = get_line(order, wanted["line"]), wanted["quantity"], order["currency"]
        if not 0 < quantity <= line["quantity"] - line["refunded"]:
            raise Refused(409, f"Line {line['id']} has {line['quantity'] - line['refunded']} left to refund.")
        before = Decimal(line["refunded_amount"])
        amount = part_of(
            Decimal(line["total"]), before, line["refunded"], quantity, line["quantity"], currency
        )
        line["refunded"] += quantity
        line["refunded_amount"] = text(before + amount, currency)
        if wanted.get("restock"):
            self.warehouse.move(line, wanted["restock"], quantity)
        return {
            "line_id": line["id"],
            "variant_id": line["variant_id"],
            "sku": line["sku"],
            "quantity": quantity,
            "amount": text(amount, currency),
            "tax": text(taxed(amount, Decimal(line["tax_rate"]), currency, included=True).tax, currency),
            "tax_rate": line["tax_rate"],
            "restock_location": wanted.get("restock"),
            "restock_location_id": self.warehouse.location_id(wanted.get("restock")),
        }

    def _open(self, order_id: str, verb: str) -> Json:
        order = get_order(self.store, order_id)
        untouched = order["fulfilment_status"] == "unshipped" and not Decimal(order["refunded"])
        if order["status"] != "open" or not untouched:
            raise Refused(409, f"{order['number']} was shipped, refunded or cancelled and cannot be {verb}.")
        return order
