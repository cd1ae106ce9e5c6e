"""The shop's REST API, as its clients see it: `/api/…` with a bearer token.

Listings come in the order (updated_at, id), pages behind an opaque `next` link (or the same as
`next_page`), and start at `updated_since`, inclusive. `created_from` and `created_until`, said with each page,
leave out what was created outside of them. An object that changes while a listing is read moves
to its end and is met again; none is skipped.
"""

import base64
import binascii
import hmac
import json
import re
from typing import Any

from .errors import Refused
from .store import Position, Span, Store, microseconds
from .warehouse import Warehouse
from .web import Request, Response, Routes

Json = dict[str, Any]

KINDS = {
    "locations": "location",
    "products": "product",
    "orders": "order",
    "refunds": "refund",
    "shipments": "shipment",
    "stock": "stock",
}
DATED = ("order", "refund")
LARGEST_PAGE = 250
TOPICS = ["order.created", "order.updated", "order.cancelled", "refund.created", "stock.updated"]
LOCAL_URL = re.compile(r"http://(127\.0\.0\.1|localhost)(:\d{1,5})?(/[!-~]*)?$")


class Api:
    """Answers API requests over a store; what clients change is noted in the effect log."""

    def __init__(self, store: Store, warehouse: Warehouse, token: str, page_size: int) -> None:
        self.store, self.warehouse, self.page_size = store, warehouse, page_size
        self._token = f"Bearer {token}".encode()
        self._routes = Routes(
            [
                ("GET", "/api/shop", self.shop),
                ("GET", "/api/webhooks", self.webhooks),
                ("POST", "/api/webhooks", self.subscribe),
                ("DELETE", "/api/webhooks/<hook_id>", self.unsubscribe),
                ("PUT", "/api/stock/<variant>/<location>", self.write_stock),
                ("POST", "/api/orders/<order>/shipments", self.ship),
                ("GET", "/api/<kinds>", self.listing),
                ("GET", "/api/<kinds>/count", self.count),
                ("GET", "/api/<kinds>/<object_id>", self.one),
            ]
        )

    def answer(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._token):
            return Response.json({"error": "The access token is missing or wrong."}, 401)
        return self._routes.answer(request)

    def shop(self, _request: Request) -> Json:
        return {"name": "Teehaus Drei Länder", "currency": "EUR", "currencies": ["EUR", "USD", "JPY", "KWD"]}

    def listing(self, request: Request, kinds: str) -> Json:
        """A page `{"items": [...], "next": url or null, "next_page": token or null}`."""
        kind = self._kind(kinds)
        if (ids := request.query("ids")) is not None:
            return _last_page(self.store.many(kind, ids.split(",")[:LARGEST_PAGE]))
        if (key := request.query("key")) is not None:
            found = self.store.by_key(kind, key)
            return _last_page([found] if found else [])
        size, since_us, after = self._window(request)
        items = self.store.page(kind, since_us, after, size + 1, self._span(request, kind))
        if len(items) <= size:
            return _last_page(items)
        last = items[size - 1]
        token = _token(size, microseconds(last["updated_at"]), last["id"])
        host = request.headers.get("host", "")
        return {"items": items[:size], "next": f"http://{host}/api/{kinds}?page={token}", "next_page": token}

    def count(self, request: Request, kinds: str) -> Json:
        """How many there are that were created from `created_from` on and before `created_until`."""
        kind = self._kind(kinds)
        span = self._span(request, kind)
        if span is None:
            raise Refused(422, "Say from when to when: `created_from` and `created_until`.")
        return {"count": self.store.count(kind, span)}

    def one(self, _request: Request, kinds: str, object_id: str) -> Json:
        found = self.store.get(self._kind(kinds), object_id)
        if found is None:
            raise Refused(404, f"There is no {self._kind(kinds)} {object_id!r}.")
        return found

    def write_stock(self, request: Request, variant: str, location: str) -> Json:
        body = request.json()
        available, expected = body.get("available"), body.get("expected")
        if type(available) is not int or type(expected) not in (int, type(None)):
            raise Refused(422, "`available` must be a whole number, `expected` one or left out.")
        with self.store.transaction():
            level = self.warehouse.write(variant, location, available, expected)
            where = f"{level['sku']}@{level['location']}"
            self.store.effect("stock.write", where, available=available, expected=expected)
        return level

    def ship(self, request: Request, order: str) -> Response:
        """201 with a new shipment, 200 with the one that the same key made before."""
        wanted = request.json()
        for line in wanted.get("lines") or []:
            if not isinstance(line, dict) or type(line.get("quantity")) is not int:
                raise Refused(422, "Each line needs `line_id` and a whole number as `quantity`.")
        with self.store.transaction():
            shipment, new = self.warehouse.ship(order, wanted)
            kind = "shipment.create" if new else "shipment.repeat"
            self.store.effect(kind, shipment["key"], order=order, shipment=shipment["id"])
        return Response.json(shipment, 201 if new else 200)

    def webhooks(self, _request: Request) -> Json:
        return _last_page([_without_secret(each) for each in self.store.all("webhook")])

    def subscribe(self, request: Request) -> Response:
        """201 with a new subscription; 200 when the url had one, which takes the new topics and secret."""
        body = request.json()
        url, topics, secret = body.get("url"), body.get("topics"), body.get("secret")
        if not (
            isinstance(url, str)
            and isinstance(topics, list)
            and topics
            and isinstance(secret, str)
            and secret
        ):
            raise Refused(422, "A subscription needs `url`, `topics` (a list) and `secret`.")
        if not LOCAL_URL.match(url):
            raise Refused(422, "This demo shop sends webhooks to http://127.0.0.1 only.")
        if unknown := [topic for topic in topics if topic not in TOPICS]:
            raise Refused(422, f"There are no topics {unknown}; choose from {TOPICS}.")
        with self.store.transaction():
            known = self.store.by_key("webhook", url)
            hook_id = known["id"] if known else f"w{self.store.next_number('webhook number')}"
            hook = {"id": hook_id, "url": url, "topics": sorted(topics), "secret": secret}
            self.store.effect("webhook.subscribe", url, topics=sorted(topics))
            saved = _without_secret(self.store.save("webhook", hook, key=url))
        return Response.json(saved, 200 if known else 201)

    def unsubscribe(self, _request: Request, hook_id: str) -> Json:
        with self.store.transaction():
            self.store.delete("webhook", hook_id)
            self.store.effect("webhook.unsubscribe", hook_id)
        return {}

    def _kind(self, kinds: str) -> str:
        if kinds not in KINDS:
            raise Refused(404, f"There is nothing at /api/{kinds}.")
        return KINDS[kinds]

    def _span(self, request: Request, kind: str) -> Span | None:
        begin, end = request.query("created_from"), request.query("created_until")
        if not (begin and end):
            return None
        if kind not in DATED:
            raise Refused(422, f"A {kind} has no date by which it could be chosen.")
        try:
            return microseconds(begin), microseconds(end)
        except ValueError as error:
            raise Refused(400, f"`created_from` or `created_until` cannot be read: {error}.") from None

    def _window(self, request: Request) -> tuple[int, int, Position | None]:
        try:
            if token := request.query("page"):
                size, updated_us, last = json.loads(base64.urlsafe_b64decode(token))
                return int(size), 0, Position(int(updated_us), str(last))
            size = min(max(int(request.query("limit") or self.page_size), 1), LARGEST_PAGE)
            since = request.query("updated_since")
            return size, microseconds(since) if since else 0, None
        except (ValueError, TypeError, binascii.Error) as error:
            raise Refused(400, f"`page`, `limit` or `updated_since` cannot be read: {error}.") from None


def _token(size: int, updated_us: int, last: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([size, updated_us, last]).encode()).decode()


def _last_page(items: list[Json]) -> Json:
    return {"items": items, "next": None, "next_page": None}


def _without_secret(hook: Json) -> Json:
    return {name: value for name, value in hook.items() if name != "secret"}
