"""What is in the shop's warehouses, and what leaves them for an order."""

from typing import Any

from .errors import Refused
from .store import Store, written

Json = dict[str, Any]


def get_order(store: Store, order_id: str) -> Json:
    """The order as it stands. Refused with 404."""
    order = store.get("order", order_id)
    if order is None:
        raise Refused(404, f"There is no order {order_id!r}.")
    return order


def get_line(order: Json, line_id: str | None) -> Json:
    """The line itself, to be changed in place. Refused with 422."""
    for line in order["lines"]:
        if line["id"] == line_id:
            found: Json = line
            return found
    raise Refused(422, f"{order['number']} has no line {line_id!r}.")


class Warehouse:
    """Stock and shipments over a store that was seeded before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._variants: list[Json] = [
            variant for product in store.all("product") for variant in product["variants"]
        ]
        self._locations = {location["code"]: location["id"] for location in store.all("location")}

    def location_id(self, code: str | None) -> str | None:
        return self._locations.get(code or "")

    def variant(self, wanted: Json) -> Json:
        """What is sold under the `sku` or `variant_id` given. Refused with 422."""
        for variant in self._variants:
            if wanted.get("variant_id") == variant["id"] or wanted.get("sku") == variant["sku"]:
                return variant
        raise Refused(422, f"The shop does not sell {wanted.get('sku') or wanted.get('variant_id')!r}.")

    def move(self, line: Json, location: str, quantity: int) -> None:
        """Add to the stock of a line's variant; refused when more is taken than there is."""
        level = self.store.get("stock", f"{line['variant_id']}:{self.location_id(location)}")
        if level is None:
            raise Refused(422, f"{line['sku']} is not kept at location {location!r}.")
        level["available"] += quantity
        if level["available"] < 0 > quantity:
            raise Refused(409, f"{line['sku']} is sold out at {location}.")
        self.store.save("stock", level, topic="stock.updated")

    def write(self, variant_id: str, location_id: str, available: int, expected: int | None) -> Json:
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
            order = get_order(self.store, order_id)
            if order["status"] == "cancelled":
                raise Refused(409, f"{order['number']} is cancelled and cannot be shipped.")
            if not shipment.get("lines"):
                raise Refused(422, "A shipment needs at least one line with `line_id` and `quantity`.")
            for sent in shipment["lines"]:
                line, quantity = get_line(order, sent.get("line_id")), sent.get("quantity", 0)
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
