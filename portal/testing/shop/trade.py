"""What happens in the shop: orders placed, edited, cancelled, refunded and shipped; stock moved.

Each function is one transaction over the store. The rules a shop keeps are here and nowhere else: stock
falls with an order and rises with a cancel or a restocking refund; a refund never exceeds what was
captured; nothing changes any more once it was shipped.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .catalogue import list_price
from .money import ZERO, part_of, taxed, text
from .pricing import price
from .store import Store, written

Json = dict[str, Any]


@dataclass
class Refused(Exception):
    """The shop will not do it: HTTP status, a sentence, and facts that help (such as the current stock)."""

    status: int
    message: str
    detail: Json = field(default_factory=dict)


class Trade:
    """The shop's business over one store, seeded before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._variants = [variant for product in store.all("product") for variant in product["variants"]]
        self._locations = {location["code"]: location["id"] for location in store.all("location")}

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
                "location_id": self._locations.get(order["location"]),
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
                        line = self._line(order, change["line"])
                        self._move(line, order["location"], line["quantity"] - change["quantity"])
                        line["quantity"] = change["quantity"]
                    case "remove":
                        line = self._line(order, change["line"])
                        self._move(line, order["location"], line["quantity"])
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
                self._move(line, order["location"], line["quantity"])
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
            order = self._get(order_id)
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
                "shipping": {"amount": text(freight, currency), "tax": text(freight_tax, currency)},
                "total": text(total, currency),
            }
            order["refunded"] = text(refunded, currency)
            order["payment_status"] = (
                "refunded" if refunded == Decimal(order["captured"]) else "partially_refunded"
            )
            self.store.save("order", order, topic="order.updated")
            return self.store.save("refund", refund, key=key, topic="refund.created")

    def ship(self, order_id: str, shipment: Json) -> tuple[Json, bool]:
        """Record a shipment under the client's `key`; (shipment, whether it is new).

        The same key again returns what it made the first time. Refused when the key belongs to another
        order or a line would be shipped beyond what was ordered.
        """
        key = shipment.get("key")
        if not key:
            raise Refused(
                422, "A shipment needs a `key` of the client's, so that it can be sent again safely."
            )
        with self.store.transaction():
            if known := self.store.by_key("shipment", key):
                if known["order_id"] != order_id:
                    raise Refused(
                        409, f"The key {key!r} was used for a shipment of order {known['order_id']}."
                    )
                return known, False
            order = self._get(order_id)
            if order["status"] == "cancelled":
                raise Refused(409, f"{order['number']} is cancelled and cannot be shipped.")
            if not shipment.get("lines"):
                raise Refused(422, "A shipment needs at least one line with `line_id` and `quantity`.")
            for sent in shipment["lines"]:
                line, quantity = self._line(order, sent.get("line_id")), sent.get("quantity", 0)
                if not 0 < quantity <= line["quantity"] - line["shipped"]:
                    left = line["quantity"] - line["shipped"]
                    raise Refused(
                        409, f"Line {line['id']} has {left} left to ship, not {quantity}.", {"left": left}
                    )
                line["shipped"] += quantity
            made = {
                "id": f"s{self.store.next_number('shipment number', 1)}",
                "key": key,
                "order_id": order_id,
                "created_at": written(self.store.now_us()),
                "lines": shipment["lines"],
                "tracking_number": shipment.get("tracking_number", ""),
                "carrier": shipment.get("carrier", ""),
            }
            whole = all(line["shipped"] == line["quantity"] for line in order["lines"])
            order["fulfilment_status"] = "shipped" if whole else "partial"
            order["status"] = "completed" if whole else "open"
            made = self.store.save("shipment", made, key=key)
            order["shipments"].append(made)
            self.store.save("order", order, topic="order.updated")
        return made, True

    def write_stock(self, variant_id: str, location_id: str, available: int, expected: int | None) -> Json:
        """Set stock absolutely; refused with the current value when it is not the `expected` one."""
        with self.store.transaction():
            level = self.store.get("stock", f"{variant_id}:{location_id}")
            if level is None:
                raise Refused(
                    404, f"There is no stock of variant {variant_id!r} at location {location_id!r}."
                )
            if expected is not None and level["available"] != expected:
                current = {"available": level["available"], "revision": level["revision"]}
                raise Refused(409, f"Stock is {level['available']}, not {expected}: read it again.", current)
            level["available"] = available
            return self.store.save("stock", level, topic="stock.updated")

    def _add_line(self, order: Json, wanted: Json) -> None:
        variant = self._variant(wanted)
        order["line_count"] = order.get("line_count", 0) + 1
        price_each = list_price(variant, order["currency"], included=order["tax_included"])
        line = {
            "id": f"{order['id']}-{order['line_count']}",
            "variant_id": variant["id"],
            "sku": variant["sku"],
            "title": wanted.get("title", variant["title"]),
            "quantity": wanted["quantity"],
            "unit_price": wanted.get("unit_price", price_each),
            "tax_rate": variant["tax_rate"],
            "shipped": 0,
            "refunded": 0,
            "refunded_amount": "0",
        }
        if wanted.get("minus_zero"):
            line["minus_zero"] = True
        self._move(line, order["location"], -line["quantity"])
        order["lines"].append(line)

    def _settle(self, order: Json) -> None:
        if not order["lines"] or any(line["quantity"] < 1 for line in order["lines"]):
            raise Refused(422, "An order needs at least one line, and every line at least one piece.")
        price(order)
        paid = order["payment_status"] == "paid"
        order["captured"] = order["totals"]["total"] if paid else text(ZERO, order["currency"])

    def _refund_line(self, order: Json, wanted: Json) -> Json:
        line, quantity, currency = self._line(order, wanted["line"]), wanted["quantity"], order["currency"]
        if not 0 < quantity <= line["quantity"] - line["refunded"]:
            raise Refused(409, f"Line {line['id']} has {line['quantity'] - line['refunded']} left to refund.")
        before = Decimal(line["refunded_amount"])
        amount = part_of(
            Decimal(line["total"]), before, line["refunded"], quantity, line["quantity"], currency
        )
        line["refunded"] += quantity
        line["refunded_amount"] = text(before + amount, currency)
        if wanted.get("restock"):
            self._move(line, wanted["restock"], quantity)
        return {
            "line_id": line["id"],
            "variant_id": line["variant_id"],
            "sku": line["sku"],
            "quantity": quantity,
            "amount": text(amount, currency),
            "tax": text(taxed(amount, Decimal(line["tax_rate"]), currency, included=True).tax, currency),
            "tax_rate": line["tax_rate"],
            "restock_location": wanted.get("restock"),
            "restock_location_id": self._locations.get(wanted.get("restock")),
        }

    def _move(self, line: Json, location: str, quantity: int) -> None:
        level = self.store.get("stock", f"{line['variant_id']}:{self._locations.get(location)}")
        if level is None:
            raise Refused(422, f"{line['sku']} is not kept at location {location!r}.")
        level["available"] += quantity
        if level["available"] < 0 > quantity:
            raise Refused(409, f"{line['sku']} is sold out at {location}.")
        self.store.save("stock", level, topic="stock.updated")

    def _variant(self, wanted: Json) -> Json:
        for variant in self._variants:
            if wanted.get("variant_id") == variant["id"] or wanted.get("sku") == variant["sku"]:
                return variant
        raise Refused(422, f"The shop does not sell {wanted.get('sku') or wanted.get('variant_id')!r}.")

    def _get(self, order_id: str) -> Json:
        order = self.store.get("order", order_id)
        if order is None:
            raise Refused(404, f"There is no order {order_id!r}.")
        return order

    def _open(self, order_id: str, verb: str) -> Json:
        order = self._get(order_id)
        untouched = order["fulfilment_status"] == "unshipped" and not Decimal(order["refunded"])
        if order["status"] != "open" or not untouched:
            raise Refused(409, f"{order['number']} was shipped, refunded or cancelled and cannot be {verb}.")
        return order

    def _line(self, order: Json, line_id: str | None) -> Json:
        for line in order["lines"]:
            if line["id"] == line_id:
                found: Json = line
                return found
        raise Refused(422, f"{order['number']} has no line {line_id!r}.")
