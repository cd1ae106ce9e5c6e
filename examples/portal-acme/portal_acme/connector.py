"""What Acme can do. Each method is one capability; the portal makes jobs, forms and screens from them."""

from collections.abc import Callable, Iterator
from typing import Any

from portal.sdk import Change, Connector, Field, Http, Location, Order, Page, Product, Promise
from portal.sdk import ReadAgain, Receipt, SecretStr, Settings, StockLevel, read_each
from portal_acme import mapping


class AcmeSettings(Settings):
    url: str = Field(title="Address", description="Where the API is, such as https://api.example.com.")
    token: SecretStr = Field(title="API token")


class Acme(Connector):
    key, title, Settings = "acme", "Acme", AcmeSettings
    promises = {"stock": Promise.ABSOLUTE}

    def __init__(self, settings: AcmeSettings) -> None:
        super().__init__(settings)
        token = settings.token.get_secret_value()
        self.http = Http(settings.url, headers={"Authorization": f"Bearer {token}"}, secrets=[token])

    def check(self) -> str:
        return f"The account “{self.http.get('/account').value('name')}” answers."

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]:
        return self._pull("/places", mapping.location, cursor)

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]:
        return self._pull("/products", mapping.product, cursor)

    def pull_order(self, cursor: str | None) -> Iterator[Page[Order]]:
        return self._pull("/orders", mapping.order, cursor)

    def push_stock(self, change: Change[StockLevel]) -> Receipt:
        level = change.record
        path = f"/stock/{change.ref('product', level.sku)}/{change.ref('location', level.location_id)}"
        body = {"free": str(level.available), "was": None if level.expected is None else str(level.expected)}
        answer = self.http.put(path, json=body, accept=[409])
        if answer.status == 409:
            raise ReadAgain(f"{level.sku} is not {level.expected} now.", current=str(answer.value("free")))
        return Receipt(answer.value("id"))

    def _pull(self, path: str, read: Callable[[Any], Any], cursor: str | None) -> Iterator[Page[Any]]:
        # Whatever changes gets the next number in its `change`; the cursor is the number read last.
        def page(after: str) -> tuple[Page[Any], str | None]:
            answer = self.http.get(path, params={"after": after})
            items, more = answer.list("items"), answer.value("more")
            reached = str(items[-1]["change"]) if items else after
            return read_each(items, read, cursor=reached), reached if more else None

        return self.http.pages(cursor or "0", page)
