"""A sale in Tryton: found by the shop's id, made, and brought through its states."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from portal.sdk import Receipt, SkipRecord

from .client import Client, Json, Refused
from .directory import Currency, Directory
from .lines import SaleLine, difference
from .parties import ADDRESS_FIELDS

FIELDS = (
    "number",
    "state",
    "web_id",
    "total_amount",
    "party",
    "warehouse",
    "currency.code",
    "invoice_address",
    "shipment_state",
    "shipments.state",
    "shipment_returns.state",
    "invoices.state",
    "comment",
    *(f"shipment_address.{name}" for name in ADDRESS_FIELDS),
    *(f"lines.{name}" for name in ("type", "product", "quantity", "unit", "unit_price", "taxes")),
)
LEFT = {"picked", "packed", "shipped", "done"}
"""States of a shipment whose goods are no longer on their shelf."""

Key = tuple[int, Decimal, Decimal, tuple[int, ...]]


def line_key(raw: Json) -> Key:
    """The counterpart of :attr:`SaleLine.key` for a line as Tryton gives it."""
    quantity, price = Decimal(str(raw["quantity"])), Decimal(raw["unit_price"])
    return raw["product"], quantity, price, tuple(raw["taxes"])


def live_lines(sale: Json) -> list[Json]:
    """The lines that mean something: a quantity of zero is what Tryton keeps of a line taken away."""
    return [line for line in sale["lines"] if line["type"] == "line" and Decimal(str(line["quantity"]))]


def has_lines(sale: Json, wanted: Sequence[SaleLine]) -> bool:
    return sorted(line_key(line) for line in live_lines(sale)) == sorted(line.key for line in wanted)


def is_void(sale: Json) -> bool:
    """Cancelled, in one of the two ways: before processing by its state, afterwards by empty lines."""
    return sale["state"] == "cancelled" or (sale["state"] in {"processing", "done"} and not live_lines(sale))


def receipt(sale: Json, note: str = "") -> Receipt:
    number = f"sale {sale['number']}" if sale.get("number") else "sale"
    return Receipt(
        sale["web_id"], note or f"{number}, {sale['state']}", {"id": sale["id"], "number": sale["number"]}
    )


class Sales:
    """Sales of one web shop, by the shop's id of the order (``web_id``, unique in Tryton)."""

    def __init__(self, client: Client, directory: Directory, *, post_invoices: bool) -> None:
        self._client = client
        self._directory = directory
        self._post_invoices = post_invoices

    def find(self, web_id: str) -> Json | None:
        domain = [["web_shop", "=", self._directory.web_shop], ["web_id", "=", web_id]]
        found = self._client.search("sale.sale", domain, FIELDS)
        return found[0] if found else None

    def returns_of(self, sale: Json) -> list[Json]:
        """Return sales of this sale that count."""
        domain = [["origin", "=", f"sale.sale,{sale['id']}"], ["state", "!=", "cancelled"]]
        return self._client.search("sale.sale", domain, ["web_id"])

    def make(self, web_id: str, values: Json, lines: Sequence[SaleLine]) -> tuple[Json, bool]:
        """Create the sale as a draft; or find the one that an earlier attempt left. Second: was it new?"""
        head = {
            "company": self._directory.company["id"],
            "web_shop": self._directory.web_shop,
            "web_id": web_id,
            "payment_term": self._directory.payment_term,
            "invoice_method": "order",
            "shipment_method": "order",
            "lines": [["create", self.line_values(lines)]],
        }
        try:
            return self._client.create("sale.sale", head | values, FIELDS), True
        except Refused:
            # The refusal comes in the user's language; only looking tells whether the id is taken.
            if found := self.find(web_id):
                return found, False
            raise

    def line_values(self, lines: Sequence[SaleLine]) -> list[Json]:
        units = self._directory.units(line.product for line in lines)
        return [line.values(units[line.product]) | {"sequence": at} for at, line in enumerate(lines, 1)]

    def rewrite(self, sale: Json, values: Json, lines: Sequence[SaleLine]) -> Json:
        """Give a sale that is still a draft or a quotation these values and lines."""
        if sale["state"] == "quotation":
            self._client.press("sale.sale", sale["id"], "draft")
        old = [line["id"] for line in sale["lines"]]
        replaced = [["delete", old]] if old else []
        body = values | {"lines": [*replaced, ["create", self.line_values(lines)]]}
        return self._client.write("sale.sale", sale["id"], body, FIELDS)

    def settle(
        self, sale: Json, lines: Sequence[SaleLine], total: Decimal, currency: Currency, what: str
    ) -> Json:
        """Take the sale from wherever it stands to *processing*, if Tryton's total is the source's.

        Raises ``SkipRecord`` on a difference and leaves the sale unconfirmed.
        """
        if (said := Decimal(sale["total_amount"])) != total:
            raise difference(lines, total, said, currency, what)
        for state, button in (("draft", "quote"), ("quotation", "confirm")):
            if sale["state"] == state:
                sale = self._moved_on(sale, button)
        sale = self.processed(sale)
        if self._post_invoices:
            self.post(sale)
        return sale

    def _moved_on(self, sale: Json, button: str) -> Json:
        try:
            return sale | self._client.press("sale.sale", sale["id"], button, ["state"])
        except Refused:
            # Refused also when an earlier attempt, still at work, has just done the same.
            now = self.read(sale["id"])
            if now["state"] == sale["state"]:
                raise
            return now

    def processed(self, sale: Json) -> Json:
        """The sale after Tryton processed its confirmation; pushed on where that has failed."""
        if sale["state"] == "confirmed":
            sale = self.read(sale["id"])
        if sale["state"] == "confirmed":
            self._client.press("sale.sale", sale["id"], "process")
            sale = self.read(sale["id"])
        return sale

    def read(self, record: int) -> Json:
        found = self._client.search("sale.sale", [["id", "=", record]], FIELDS)
        if not found:
            raise SkipRecord(
                f"The sale with the id {record} was deleted in Tryton meanwhile.", cause="not-found"
            )
        return found[0]

    def post(self, sale: Json) -> None:
        for invoice in sale["invoices"]:
            if invoice["state"] in {"draft", "validated"}:
                self._client.press("account.invoice", invoice["id"], "post")
