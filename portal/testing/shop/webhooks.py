"""Tells subscribers what changed: signed, in the background, again after a failure.

A notice stays in the store until every subscriber has it or was given up, so that a restart of the shop
delivers what it had not. The event id of a notice is the same over all its deliveries.
"""

import base64
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .faults import Faults
from .store import Store

Json = dict[str, Any]

TIMEOUT = 5.0


def sign(body: bytes, secret: str) -> str:
    """The value of `X-Shop-Signature`: base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256)).decode()


def message(
    event_id: str, topic: str, data: Json, secret: str, sent_at: int | None = None
) -> tuple[bytes, dict[str, str]]:
    """A webhook's raw body and headers. `sent_at`: seconds since 1970, now if not given.

    Everything a receiver acts on stands in the signed body; the headers only repeat it.
    """
    sent_at = int(time.time()) if sent_at is None else sent_at
    content = {"event_id": event_id, "topic": topic, "sent_at": sent_at, "data": data}
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Shop-Event-Id": event_id,
        "X-Shop-Topic": topic,
        "X-Shop-Timestamp": str(sent_at),
        "X-Shop-Signature": sign(body, secret),
    }
    return body, headers


@dataclass
class Delivery:
    """One event on its way to one subscriber."""

    seq: int
    hook: Json
    event_id: str
    topic: str
    data: Json
    attempts: int = 0
    forged: bool = False


class Webhooks:
    """A background thread that delivers notices; `counts` says what became of them."""

    def __init__(self, store: Store, faults: Faults, retry_delays: tuple[float, ...]) -> None:
        self.counts: Counter[str] = Counter()
        self._store, self._faults, self._retry_delays = store, faults, retry_delays
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._open: Counter[int] = Counter()
        self._seen = 0
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="shop-webhooks", daemon=True)
        with store.transaction():
            self._shop_id = uuid.UUID(store.meta("shop id") or str(uuid.uuid4()))
            store.set_meta("shop id", str(self._shop_id))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping = True
        self._store.changed.set()
        self._thread.join(TIMEOUT + 1)

    def _run(self) -> None:
        while not self._stopping:
            self._store.changed.clear()
            for seq, topic, data in self._store.notices(self._seen):
                self._seen = seq
                self._plan(seq, topic, data)
            while self._queue and self._queue[0][0] <= time.monotonic() and not self._stopping:
                self._deliver(heapq.heappop(self._queue)[2])
            until = self._queue[0][0] - time.monotonic() if self._queue else None
            self._store.changed.wait(until if until is None else max(until, 0))

    def _plan(self, seq: int, topic: str, data: Json) -> None:
        event_id = str(uuid.uuid5(self._shop_id, str(seq)))
        for hook in self._store.all("webhook"):
            if topic not in hook["topics"]:
                continue
            fault, delay = self._faults.for_webhook(), self._faults.plan.webhook_delay
            if fault == "dropped":
                continue
            if fault == "forged":
                lie = data | {"id": f"{data['id']}9", "revision": data["revision"] + 1000}
                self._push(Delivery(seq, hook, str(uuid.uuid4()), topic, lie, forged=True), 0)
            wait = {"late": delay, "reordered": delay / 10}.get(fault or "", 0.0)
            self._push(Delivery(seq, hook, event_id, topic, data), wait)
            if fault == "doubled":
                self._push(Delivery(seq, hook, event_id, topic, data), delay / 10)
        if not self._open[seq]:
            self._store.drop_notice(seq)

    def _push(self, delivery: Delivery, wait: float) -> None:
        self._open[delivery.seq] += 1
        heapq.heappush(self._queue, (time.monotonic() + wait, next(self._order), delivery))

    def _deliver(self, delivery: Delivery) -> None:
        delivery.attempts += 1
        accepted = self._post(delivery)
        self._open[delivery.seq] -= 1
        if delivery.forged:
            self.counts["forged accepted" if accepted else "forged refused"] += 1
        elif accepted:
            self.counts["delivered"] += 1
        elif delivery.attempts <= len(self._retry_delays):
            self.counts["failed"] += 1
            self._push(delivery, self._retry_delays[delivery.attempts - 1])
        else:
            self.counts["given up"] += 1
        if not self._open[delivery.seq]:
            del self._open[delivery.seq]
            self._store.drop_notice(delivery.seq)

    def _post(self, delivery: Delivery) -> bool:
        secret = "not the secret" if delivery.forged else delivery.hook["secret"]
        body, headers = message(delivery.event_id, delivery.topic, delivery.data, secret)
        url = urlsplit(delivery.hook["url"])
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=TIMEOUT)
        try:
            connection.request("POST", url._replace(scheme="", netloc="").geturl() or "/", body, headers)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
