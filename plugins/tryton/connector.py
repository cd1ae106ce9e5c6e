"""Tryton 8.0: sales and returns in, products, stock and shipments out.

The database needs the modules sale_amendment, account_invoice_stock, stock_package_shipping and web_shop, and
taxes rounded by line. The key's user needs the groups Accounting, Party Administration, Sales, Sales
Administrator, Sale Amendment, Stock and Stock Cancellation; no more than that is tried in the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from portal.sdk import (
    Change,
    Connector,
    Location,
    Misconfigured,
    NotFound,
    Order,
    Page,
    Product,
    Promise,
    Receipt,
    Refund,
    Shipment,
    StockLevel,
)

from .amend import Amendments
from .catalogue import pull_location, pull_product
from .client import Client
from .directory import Directory
from .orders import Orders
from .parties import Parties
from .refunds import Refunds
from .sales import Sales
from .settings import TrytonSettings
from .shipments import pull_shipment
from .stock import pull_stock


class Tryton(Connector):
    key = "tryton"
    title = "Tryton"
    Settings = TrytonSettings
    promises = {"order": Promise.UNIQUE_REFERENCE, "refund": Promise.UNIQUE_REFERENCE}
    # One Tryton process gains nothing from more; two hide the way to and fro.
    in_flight = 2
    # A push that is still at work may safely be met by a second one: both end at the same sale.
    grace = timedelta(seconds=5)

    def __init__(self, settings: TrytonSettings) -> None:
        super().__init__(settings)
        key = settings.key.get_secret_value()
        self._client = Client(settings.url, settings.database, key)
        self._directory = Directory(self._client, settings)
        sales = Sales(self._client, self._directory, post_invoices=settings.post_invoices)
        parties = Parties(self._client, self._directory)
        self._orders = Orders(self._directory, sales, parties, Amendments(self._client, sales))
        self._refunds = Refunds(self._client, self._directory, sales)

    def check(self) -> str:
        try:
            company = self._directory.company["party"]["name"]
        except NotFound as error:
            raise Misconfigured(
                f"There is no Tryton database “{self.settings.database}” at {self.settings.url}.",
                mend="Check the address and the name of the database.",
            ) from error
        directory = self._directory
        for needed in ("web_shop", "payment_term", "shipping", "refund", "rounding"):
            getattr(directory, needed)
        self._client.search("sale.amendment", [], ["id"], limit=1)
        warehouses = self._client.search("stock.location", [["type", "=", "warehouse"]], ["code"])
        codes = ", ".join(raw["code"] or "without a code" for raw in warehouses)
        return f"{company}, web shop “{self.settings.web_shop}”, warehouses {codes or 'none'}"

    def close(self) -> None:
        self._client.close()

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]:
        return pull_location(self._client, cursor)

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]:
        return pull_product(self._client, self._directory, cursor)

    def pull_stock(self, cursor: str | None) -> Iterator[Page[StockLevel]]:
        return pull_stock(self._client, cursor)

    def pull_shipment(self, cursor: str | None) -> Iterator[Page[Shipment]]:
        return pull_shipment(self._client, self._directory, cursor)

    def push_order(self, change: Change[Order]) -> Receipt:
        return self._orders.push(change)

    def find_order(self, change: Change[Order]) -> Receipt | None:
        return self._orders.find(change)

    def push_refund(self, change: Change[Refund]) -> Receipt:
        return self._refunds.push(change)

    def find_refund(self, change: Change[Refund]) -> Receipt | None:
        return self._refunds.find(change)
