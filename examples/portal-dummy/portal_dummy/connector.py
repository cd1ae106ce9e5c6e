"""Dummy takes orders, says which products and places there are, and can be asked for webhooks of any topic."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from portal.sdk import Change, Connector, Field, Forged, Hint, Http, Location, Order, Page, Product, Promise
from portal.sdk import Receipt, SecretStr, Settings, Webhook, read_each, verify_hmac


class DummySettings(Settings):
    url: str = Field(title="Address", description="Where Dummy's API is, such as https://dummy.example.com.")
    token: SecretStr = Field(title="API token")


class Dummy(Connector):
    key, title, Settings = "dummy", "Dummy", DummySettings
    promises = {"order": Promise.IDEMPOTENCY_KEY}

    def __init__(self, settings: DummySettings) -> None:
        super().__init__(settings)
        token = settings.token.get_secret_value()
        self.http = Http(settings.url, headers={"Authorization": f"Bearer {token}"}, secrets=[token])

    def check(self) -> str:
        return f"Dummy {self.http.get('/account').value('version')} answers."

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]:
        return self._pull("/places", location, cursor)

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]:
        return self._pull("/products", product, cursor)

    def push_order(self, change: Change[Order]) -> Receipt:
        order = change.record
        lines = [[change.ref("product", line.sku), str(line.quantity)] for line in order.lines]
        body = {
            "number": order.number,
            "state": order.state,
            "place": change.ref("location", order.location),
            "note": order.customer.name,
            "lines": lines,
        }
        known_as = self.http.put(f"/orders/{change.key}", json=body).value("id")
        return Receipt(known_as, f"Dummy calls it {known_as}.")

    def find_order(self, change: Change[Order]) -> Receipt | None:
        found = self.http.get("/orders", params={"key": change.key}).list("items")
        return Receipt(found[0]["id"]) if found else None

    def hear(self, webhook: Webhook, secrets: Sequence[str]) -> Sequence[Hint]:
        verify_hmac(webhook.body, webhook.headers.get("x-dummy-signature", ""), secrets)
        try:
            told = json.loads(webhook.body)
            return [Hint(told["topic"], "", told["id"], told["event"])]
        except (ValueError, LookupError, TypeError) as error:
            raise Forged("The webhook is signed, but it is not what Dummy sends.") from error

    def subscribe(self, url: str, secret: str) -> str:
        return self.subscribe_topics(url, secret, [])

    def subscribe_topics(self, url: str, secret: str, topics: Sequence[str]) -> str:
        self.http.put("/hook", json={"url": url, "secret": secret, "topics": list(topics)})
        return f"Dummy tells {url} about {', '.join(topics) or 'nothing yet'}."

    def _pull(self, path: str, read: Callable[[Any], Any], cursor: str | None) -> Iterator[Page[Any]]:
        def page(after: str) -> tuple[Page[Any], str | None]:
            answer = self.http.get(path, params={"after": after})
            items, more = answer.list("items"), answer.object()["more"]
            reached = str(items[-1]["change"]) if items else after
            return read_each(items, read, cursor=reached), reached if more else None

        return self.http.pages(cursor or "0", page)


def location(raw: Any) -> Location:
    return Location(external_id=raw["id"], version=raw["change"], code=raw["code"], name=raw["name"])


def product(raw: Any) -> Product:
    return Product(external_id=raw["id"], version=raw["change"], sku=raw["sku"], title=raw["title"])
