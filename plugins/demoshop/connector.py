"""What the demo shop can do. Each method is one capability of `portal.sdk.capabilities`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar

from plugins.demoshop import mapping
from portal.sdk import (
    Change,
    Connector,
    Field,
    Forged,
    Hint,
    Http,
    Location,
    Order,
    Page,
    Product,
    Promise,
    ReadAgain,
    Receipt,
    Record,
    Refund,
    SecretStr,
    Settings,
    Shipment,
    StockLevel,
    Webhook,
    read_each,
    verify_hmac,
    verify_time,
)

Raw = Mapping[str, Any]
Parts = Callable[[Raw], list[Raw]]
R = TypeVar("R", bound=Record)

TOPICS = ["order.created", "order.updated", "order.cancelled", "refund.created"]
MOST_IDS = 100

WALK = "page:"
"""Begins a cursor that stands between two pages."""


class DemoShopSettings(Settings):
    url: str = Field(title="Address", description="Where the shop is, such as http://127.0.0.1:8001.")
    token: SecretStr = Field(title="Access token", description="What the shop expects as bearer token.")


class DemoShop(Connector):
    key, title, Settings = "demoshop", "Demo shop", DemoShopSettings
    promises = {"stock": Promise.ABSOLUTE, "shipment": Promise.IDEMPOTENCY_KEY}

    def __init__(self, settings: DemoShopSettings) -> None:
        super().__init__(settings)
        token = settings.token.get_secret_value()
        self.http = Http(
            settings.url,
            headers={"Authorization": f"Bearer {token}"},
            secrets=[token],
            in_flight=self.in_flight,
        )

    def check(self) -> str:
        shop = self.http.get("/api/shop").json()
        return f"{shop['name']}, sells in {', '.join(shop['currencies'])}."

    # -- what the shop tells --

    def pull_location(self, cursor: str | None) -> Iterator[Page[Location]]:
        return self._pull("locations", mapping.location, cursor)

    def pull_product(self, cursor: str | None) -> Iterator[Page[Product]]:
        return self._pull("products", mapping.product, cursor, mapping.variants)

    def pull_stock(self, cursor: str | None) -> Iterator[Page[StockLevel]]:
        return self._pull("stock", mapping.stock, cursor)

    def pull_order(self, cursor: str | None) -> Iterator[Page[Order]]:
        return self._pull("orders", mapping.order, cursor)

    def pull_refund(self, cursor: str | None) -> Iterator[Page[Refund]]:
        return self._pull("refunds", mapping.refund, cursor)

    def count_order(self, since: datetime, until: datetime) -> int:
        return self._count("orders", since, until)

    def count_refund(self, since: datetime, until: datetime) -> int:
        return self._count("refunds", since, until)

    def read_order(self, since: datetime, until: datetime, cursor: str | None) -> Iterator[Page[Order]]:
        return self._pull("orders", mapping.order, cursor, span=_span(since, until))

    def read_refund(self, since: datetime, until: datetime, cursor: str | None) -> Iterator[Page[Refund]]:
        return self._pull("refunds", mapping.refund, cursor, span=_span(since, until))

    def fetch_order(self, external_ids: Sequence[str]) -> Page[Order]:
        return self._fetch("orders", mapping.order, external_ids)

    def fetch_refund(self, external_ids: Sequence[str]) -> Page[Refund]:
        return self._fetch("refunds", mapping.refund, external_ids)

    def hear(self, webhook: Webhook, secrets: Sequence[str]) -> Sequence[Hint]:
        verify_hmac(webhook.body, webhook.headers.get("x-shop-signature", ""), secrets)
        try:
            told = json.loads(webhook.body)
            hint = Hint(told["topic"], told["topic"].split(".")[0], told["data"]["id"], told["event_id"])
            sent_at = datetime.fromtimestamp(told["sent_at"], UTC)
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise Forged("The webhook is signed, but it is not what the shop sends.") from error
        # The time within the signed body: the header of the same name could be anybody's.
        verify_time(sent_at)
        return [hint]

    def subscribe(self, url: str, secret: str) -> str:
        # The shop keeps one subscription for a url, so that saying it again changes nothing.
        self.http.post("/api/webhooks", json={"url": url, "topics": TOPICS, "secret": secret})
        return f"The shop tells {url} about orders and refunds."

    def subscribed(self, url: str) -> bool:
        hooks = self.http.get("/api/webhooks").list("items")
        return any(hook["url"] == url and set(TOPICS) <= set(hook["topics"]) for hook in hooks)

    # -- what the shop is told --

    def push_stock(self, change: Change[StockLevel]) -> Receipt:
        level = change.record
        variant, place = change.ref("product", level.sku), change.ref("location", level.location_id)
        wanted = {"available": mapping.whole(level.available)}
        if level.expected is not None:
            wanted["expected"] = mapping.whole(level.expected)
        answer = self.http.put(f"/api/stock/{variant}/{place}", json=wanted, accept=[409])
        if answer.status == 409:
            now = str(answer.value("available"))
            raise ReadAgain(f"The shop has {now} of {level.sku}, not {level.expected}.", current=now)
        return Receipt(answer.value("id"), f"{wanted['available']} can be sold.")

    def push_shipment(self, change: Change[Shipment]) -> Receipt:
        shipment = change.record
        order_id = change.ref("order", shipment.order_id)
        order = self.http.get(f"/api/orders/{order_id}").json()
        if done := next((each for each in order["shipments"] if each["key"] == change.key), None):
            return mapping.shipment_receipt(done)
        parcel = {
            "key": change.key,
            "lines": mapping.shipment_lines(order, shipment.lines),
            "tracking_number": shipment.tracking,
            "carrier": shipment.carrier,
        }
        made = self.http.post(f"/api/orders/{order_id}/shipments", json=parcel)
        return mapping.shipment_receipt({"id": made.value("id"), "tracking_number": shipment.tracking})

    def find_shipment(self, change: Change[Shipment]) -> Receipt | None:
        found = self.http.get("/api/shipments", params={"key": change.key}).list("items")
        return mapping.shipment_receipt(found[0]) if found else None

    # -- how the shop is read --

    def _pull(
        self,
        path: str,
        read: Callable[[Raw], R],
        cursor: str | None,
        parts: Parts | None = None,
        span: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[Page[R]]:
        """Pages from the cursor on: the `updated_at`, by the shop's clock, up to which everything was read.

        The shop begins with what changed at that very moment, so what came in the same instant is met again
        and not missed. Between two pages the cursor is the shop's own token, which stands for (updated_at, id):
        more may have changed in one instant than a page holds.
        """

        def page(token: str) -> tuple[Page[R], str | None]:
            start = {"page": token} if token else {"updated_since": cursor}
            answer = self.http.get(f"/api/{path}", params={**span, **start})
            items, following = answer.list("items"), answer.object().get("next_page")
            moments = [
                item["updated_at"] for item in items if isinstance(item, dict) and item.get("updated_at")
            ]
            reached = f"{WALK}{following}" if following else (moments or [cursor or ""])[-1]
            raws = [part for item in items for part in parts(item)] if parts else items
            return read_each(raws, read, cursor=reached), following

        return self.http.pages(cursor.removeprefix(WALK) if cursor and cursor.startswith(WALK) else "", page)

    def _count(self, path: str, since: datetime, until: datetime) -> int:
        return int(self.http.get(f"/api/{path}/count", params=_span(since, until)).object()["count"])

    def _fetch(self, path: str, read: Callable[[Raw], R], external_ids: Sequence[str]) -> Page[R]:
        raws: list[Raw] = []
        for begin in range(0, len(external_ids), MOST_IDS):
            some = ",".join(external_ids[begin : begin + MOST_IDS])
            raws += self.http.get(f"/api/{path}", params={"ids": some}).list("items")
        return read_each(raws, read)


def _span(since: datetime, until: datetime) -> dict[str, str]:
    return {"created_from": since.isoformat(), "created_until": until.isoformat()}
