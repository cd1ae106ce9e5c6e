"""What rarely changes in Tryton, read once for a connector: ids of currencies, taxes, products, countries."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from portal.sdk import Misconfigured, SkipRecord

from .client import Client, Json
from .prices import Rounding
from .settings import TrytonSettings


@dataclass(frozen=True, slots=True)
class Currency:
    id: int
    code: str
    rounding: Rounding


class Directory:
    """Looked up on first use and kept; safe to use from several threads, which at worst read twice."""

    def __init__(self, client: Client, settings: TrytonSettings) -> None:
        self._client = client
        self._settings = settings
        self._units: dict[int, int] = {}
        self._lock = threading.Lock()

    @cached_property
    def company(self) -> Json:
        """The company of the key's user."""
        found = self._client.search(
            "company.company", [], ["party.name", "currency.code"], limit=1, context=None
        )
        if not found:
            raise Misconfigured(
                "The key's user sees no company in Tryton.", mend="Give the user a company there."
            )
        return found[0]

    @cached_property
    def web_shop(self) -> int:
        name = self._settings.web_shop
        found = self._client.search("web.shop", [["name", "=", name]], ["id"])
        if not found:
            raise Misconfigured(
                f"Tryton has no web shop named “{name}”.", mend="Create it there, or correct the name here."
            )
        return int(found[0]["id"])

    @cached_property
    def payment_term(self) -> int:
        name = self._settings.payment_term
        domain = [["name", "=", name]] if name else []
        found = self._client.search("account.invoice.payment_term", domain, ["id"], limit=1)
        if not found:
            raise Misconfigured(f"Tryton has no payment term {f'named “{name}”' if name else 'at all'}.")
        return int(found[0]["id"])

    @cached_property
    def _price_step(self) -> Decimal:
        configuration = self._client.search("ir.configuration", [], ["product_price_decimal"], limit=1)
        digits = configuration[0]["product_price_decimal"] if configuration else None
        return Decimal(1).scaleb(-(4 if digits is None else int(digits)))

    @cached_property
    def _currencies(self) -> dict[str, Currency]:
        found = self._client.search("currency.currency", [], ["code", "rounding"])
        return {
            raw["code"]: Currency(
                raw["id"], raw["code"], Rounding(Decimal(raw["rounding"]), self._price_step)
            )
            for raw in found
        }

    def currency(self, code: str) -> Currency:
        if code not in self._currencies:
            raise SkipRecord(
                f"Tryton has no currency {code}.",
                cause="missing-currency",
                mend="Create it there with its rate, then test the connection and send again.",
            )
        return self._currencies[code]

    @cached_property
    def _taxes(self) -> list[Json]:
        domain = [["parent", "=", None], ["type", "=", "percentage"], ["company", "=", self.company["id"]]]
        return self._client.search("account.tax", domain, ["name", "rate"])

    def tax(self, name: str, rate: Decimal) -> int:
        """The tax with this rate in percent; among several of one rate, the one with the shop's name."""
        found = [tax for tax in self._taxes if Decimal(tax["rate"]) * 100 == rate]
        named = [tax for tax in found if tax["name"].casefold() == name.casefold()]
        if len(found) > 1 and not named:
            names = ", ".join(f"“{tax['name']}”" for tax in found)
            raise SkipRecord(
                f"Tryton has several taxes of {rate:f} %: {names}; none is called “{name}”.",
                cause="ambiguous-tax",
                mend="Give one of them the shop's name.",
            )
        if not found:
            raise SkipRecord(
                f"Tryton has no tax of {rate:f} % (“{name}”).",
                cause="missing-tax",
                mend="Create it there, then send again.",
            )
        return int((named or found)[0]["id"])

    @cached_property
    def _countries(self) -> dict[str, int]:
        return {raw["code"]: raw["id"] for raw in self._client.search("country.country", [], ["code"])}

    def country(self, code: str) -> int | None:
        if code and code not in self._countries:
            raise SkipRecord(
                f"Tryton has no country {code}.", cause="missing-country", mend="Import the countries there."
            )
        return self._countries.get(code)

    def units(self, products: Iterable[int]) -> dict[int, int]:
        """The unit of measure that each product is counted in. Raises ``SkipRecord`` for one that is gone."""
        wanted = set(products)
        with self._lock:
            missing = sorted(wanted - self._units.keys())
        if missing:
            domain = [["id", "in", missing]]
            found = self._client.search("product.product", domain, ["default_uom"])
            with self._lock:
                self._units.update((raw["id"], raw["default_uom"]) for raw in found)
        if gone := wanted - self._units.keys():
            raise SkipRecord(
                f"Tryton has no product with the id {min(gone)} any more, or it is not active.",
                cause="missing-product",
                mend="Tie its SKU to another product, or make it active again.",
            )
        return {product: self._units[product] for product in wanted}

    @cached_property
    def shipping(self) -> int:
        return self._service(self._settings.shipping_product, "shipping")

    @cached_property
    def refund(self) -> int:
        return self._service(self._settings.refund_product, "refunds")

    @cached_property
    def rounding(self) -> int:
        """0 where the connection names none."""
        code = self._settings.rounding_product
        return self._service(code, "odd cents") if code else 0

    def _service(self, code: str, purpose: str) -> int:
        domain = [["code", "=", code], ["type", "=", "service"]]
        found = self._client.search("product.product", domain, ["default_uom"])
        if not found:
            raise Misconfigured(
                f"Tryton has no service with the code “{code}”, which the connection names for {purpose}.",
                mend="Create it there, or correct the code here.",
            )
        with self._lock:
            self._units[found[0]["id"]] = found[0]["default_uom"]
        return int(found[0]["id"])
