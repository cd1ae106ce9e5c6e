"""The connectors of the kit, installed beside the portal as anybody's plugin is: `faulta` … `faulte` take orders
and refunds with that promise, `faultshop` tells of them, and `faulterp` is a whole ERP of promise C."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from portal.sdk import (
    Connector,
    Forged,
    Hint,
    Http,
    Page,
    Promise,
    Rate,
    ReadAgain,
    Receipt,
    Settings,
    hook,
    read_each,
    verify_hmac,
)
from portal.sdk.records import KINDS
from tests.faults.plugin.nasty import nasty


class Remote(Connector):
    """What all of them have: one room of the witness."""

    grace = timedelta(seconds=1)

    class Settings(Settings):
        url: str

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self.http = Http(settings.url, timeout=(5, 20))

    def close(self) -> None:
        self.http.close()

    def check(self) -> str:
        return f"The room {self.http.get('/').json()['name']}."

    def _pull(self, kind: str, cursor: str | None) -> Any:
        def page(after: str) -> tuple[Page[Any], str | None]:
            answer = self.http.get(f"pull/{kind}", params={"after": after}).json()
            reached = str(answer["cursor"])
            return self._read(kind, answer["items"], reached), reached if answer["more"] else None

        return self.http.pages(cursor or "0", page)

    def _read(self, kind: str, items: Any, cursor: str = "") -> Page[Any]:
        raws = [{name: value for name, value in each.items() if name != "kind"} for each in items]
        return read_each(raws, KINDS[kind].model_validate, cursor=cursor, id_field="external_id")

    def _fetch(self, kind: str, ids: Any) -> Page[Any]:
        return self._read(kind, self.http.get(f"fetch/{kind}", params={"ids": ",".join(ids)}).json()["items"])

    def _push(self, kind: str, change: Any) -> Receipt:
        body = {"key": change.key, "id": change.remote_id, "record": change.record.model_dump(mode="json")}
        answer = self.http.post(f"push/{kind}", json=body, accept=[409])
        told = answer.json()
        if answer.status == 409 and "current" in told:
            raise ReadAgain(f"It shows {told['current']}.", current=told["current"])
        return Receipt(told["id"])

    def _find(self, kind: str, change: Any) -> Receipt | None:
        there = self.http.get("find", params={"key": change.key}).json()["id"]
        return Receipt(there) if there else None


class Limited(Remote):
    """Bears only so many calls, and says so."""

    key, title = "faultlimited", "Limited remote of the fault kit"
    rate = Rate(40, burst=8)


class Taker(Remote):
    """Takes orders and refunds."""

    def push_order(self, change: Any) -> Receipt:
        return self._push("order", change)

    def find_order(self, change: Any) -> Receipt | None:
        return self._find("order", change)

    def push_refund(self, change: Any) -> Receipt:
        return self._push("refund", change)

    def find_refund(self, change: Any) -> Receipt | None:
        return self._find("refund", change)


class Keeper(Remote):
    """Has products, places and stock."""

    def pull_product(self, cursor: str | None) -> Any:
        return self._pull("product", cursor)

    def pull_location(self, cursor: str | None) -> Any:
        return self._pull("location", cursor)

    def pull_stock(self, cursor: str | None) -> Any:
        return self._pull("stock", None)


class Erp(Taker, Keeper):
    key, title = "faulterp", "ERP of the fault kit"
    promises = {"order": Promise.SEARCHABLE, "refund": Promise.SEARCHABLE}

    def pull_shipment(self, cursor: str | None) -> Any:
        return self._pull("shipment", cursor)


class Shop(Keeper):
    key, title = "faultshop", "Shop of the fault kit"
    promises = {"stock": Promise.ABSOLUTE, "shipment": Promise.IDEMPOTENCY_KEY}

    def pull_order(self, cursor: str | None) -> Any:
        return self._pull("order", cursor)

    def pull_refund(self, cursor: str | None) -> Any:
        return self._pull("refund", cursor)

    def fetch_order(self, external_ids: Any) -> Page[Any]:
        return self._fetch("order", external_ids)

    def fetch_refund(self, external_ids: Any) -> Page[Any]:
        return self._fetch("refund", external_ids)

    def push_stock(self, change: Any) -> Receipt:
        return self._push("stock", change)

    def push_shipment(self, change: Any) -> Receipt:
        return self._push("shipment", change)

    def find_shipment(self, change: Any) -> Receipt | None:
        return self._find("shipment", change)

    def hear(self, webhook: Any, secrets: Any) -> list[Hint]:
        """``{"event": "e1", "topic": "order.changed", "id": "o1"}``, signed as base64 HMAC-SHA256 in ``x-sign``."""
        verify_hmac(webhook.body, webhook.headers.get("x-sign", ""), secrets)
        try:
            told = json.loads(webhook.body)
            return [Hint(told["topic"], told["topic"].partition(".")[0], told["id"], told["event"])]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise Forged("The webhook is signed, but it is not what this shop sends.") from error

    def subscribe(self, url: str, secret: str) -> str:
        return f"It tells {url}."


def _taker(promise: Promise) -> type[Connector]:
    names = {
        "key": f"fault{promise.value.lower()}",
        "title": f"Taker of promise {promise.value}",
        "promises": {"order": promise, "refund": promise},
    }
    return type(f"Taker{promise.value}", (Taker,), names)


TAKERS = [_taker(promise) for promise in Promise]


@hook
def register_connectors() -> list[type[Connector]]:
    return [Shop, Erp, Limited, *TAKERS, *nasty(Shop, Taker)]
