"""Changing a sale that Tryton is already processing, by its amendments."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from portal.sdk import SkipRecord

from .client import Client, Json
from .lines import SaleLine
from .sales import FIELDS, LEFT, Sales, line_key, live_lines


class Amendments:
    """An amendment takes back what was not shipped yet, changes the sale, and lets Tryton plan anew.

    It can change and empty lines, never add one.
    """

    def __init__(self, client: Client, sales: Sales) -> None:
        self._client = client
        self._sales = sales

    def refuse_if_left(self, sale: Json, what: str) -> None:
        """Raises ``SkipRecord`` when goods have left their shelf, were refunded or invoiced."""
        name = f"sale {sale['number']}"
        if any(shipment["state"] in LEFT for shipment in sale["shipments"]):
            why, mend = "goods were already taken from the shelf or shipped", "Settle it as a return instead"
        elif self._sales.returns_of(sale):
            why, mend = "a part was already refunded", "Settle the rest as a refund"
        elif any(invoice["state"] in {"posted", "paid"} for invoice in sale["invoices"]):
            why, mend = "its invoice is already posted", "Credit the invoice in Tryton"
        else:
            return
        raise SkipRecord(
            f"{what}, but of {name} in Tryton {why}.",
            cause="too-late-to-change",
            mend=f"{mend}, or undo the change.",
        )

    def plan(self, sale: Json, wanted: Sequence[SaleLine]) -> list[Json] | None:
        """The line changes that lead from the sale to these lines; None where a line would have to be added."""
        free = [line for line in sale["lines"] if line["type"] == "line"]
        changes = []
        for line in sorted(wanted, key=lambda line: line.key not in {line_key(raw) for raw in free}):
            kin = [raw for raw in free if (raw["product"], tuple(raw["taxes"])) == (line.product, line.taxes)]
            if not kin:
                return None
            best = min(kin, key=lambda raw: (line_key(raw) != line.key, not Decimal(str(raw["quantity"]))))
            free.remove(best)
            if line_key(best) != line.key:
                changes.append(_change(best, line.quantity, line.unit_price))
        return changes + [_change(raw, Decimal(0)) for raw in free if Decimal(str(raw["quantity"]))]

    def apply(self, sale: Json, changes: Sequence[Json]) -> Json:
        for shipment in sale["shipments"]:
            if shipment["state"] == "assigned":  # goods set aside go back to the pool
                self._client.press("stock.shipment.out", shipment["id"], "wait")
        values = {"sale": sale["id"], "lines": [["create", list(changes)]]}
        amendment = self._client.create("sale.amendment", values, ["id"])
        self._client.press("sale.amendment", amendment["id"], "validate_amendment")
        return self._sales.read(sale["id"])

    def empty(self, sale: Json, comment: str) -> Json:
        """Take every line to zero: no shipment, no invoice and nothing promised remains."""
        if lines := live_lines(sale):
            sale = self.apply(sale, [_change(line, Decimal(0)) for line in lines])
        return self._client.write(
            "sale.sale", sale["id"], {"comment": _with(sale["comment"], comment)}, FIELDS
        )

    def retire(self, sale: Json, comment: str) -> Json:
        """Empty the sale and give up its ``web_id``, so that another may carry it."""
        sale = self.empty(sale, comment)
        values = {"web_id": f"{sale['web_id']}~{sale['id']}"}
        return self._client.write("sale.sale", sale["id"], values, FIELDS)

    def cancel(self, sale: Json) -> Json:
        return self._client.press("sale.sale", sale["id"], "cancel", FIELDS)


def _change(line: Json, quantity: Decimal, price: Decimal | None = None) -> Json:
    return {
        "action": "line",
        "line": line["id"],
        "product": line["product"],
        "quantity": float(quantity),
        "unit": line["unit"],
        "unit_price": Decimal(line["unit_price"]) if price is None else price,
    }


def _with(comment: str | None, sentence: str) -> str:
    return comment if comment and sentence in comment else "\n".join(filter(None, [comment, sentence]))
