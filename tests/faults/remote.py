"""The witness: remotes of every promise class in one process of its own, with a log of what was done to them.

Each room of it (``/erp/…``, ``/shop/…``) is one remote. It tells records that were put into its feed, takes
changes, and writes each *effect* down: a document made, or changed to another state. A push that changes
nothing is no effect. With ``lose`` that share of the answers to pushes is lost after the work was done.

    with Witness() as witness:
        witness.room("erp", promise="C", lose=0.1)
        witness.tell("shop", [order])
        ...
        witness.seen("erp").doubled, witness.seen("erp").documents
"""

from __future__ import annotations

import json
import math
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

PAGE = 100
ROOM = 1.0
"""Seconds for the word to get about that a remote wants a rest."""

LOSSES = ("close", "reset", "half", "error")


class Room:
    """One remote: its feed, its documents, its stock and its log."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.promise, self.lose, self.latency = "C", 0.0, 0.0
        self.lose_once: list[str] = []
        self.tokens: set[str] = set()
        self.dice = random.Random(7)
        self.seq = 0
        self.feed: dict[str, dict[str, tuple[int, Any]]] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, str] = {}
        self.stock: dict[str, int] = {}
        self.effects: list[tuple[str, str, str, str]] = []
        self.calls: Counter[str] = Counter()
        self.rate, self.burst = 0.0, 1
        self.storm = (0.0, 0.0)
        self._left, self._at = 0.0, 0.0

    def admit(self) -> int:
        """Seconds that the caller is told to wait; 0: its call is taken."""
        now, (began, ends) = time.monotonic(), self.storm
        if began < now < ends:
            self.calls["in the storm" if now - began < ROOM else "later in the storm"] += 1
            return math.ceil(ends - now)
        if self.rate:
            self._left = min(self.burst, self._left + (now - self._at) * self.rate)
            self._at = now
            if self._left < 1:
                self.calls["too many"] += 1
                return 1
            self._left -= 1
        self.calls["taken"] += 1
        return 0

    def tell(self, records: list[Any]) -> None:
        for record in records:
            told = self.feed.setdefault(record["kind"], {})
            _, before = told.get(record["external_id"], (0, {"version": -1}))
            if record["version"] > before["version"]:
                self.seq += 1
                told[record["external_id"]] = (self.seq, record)

    def pull(self, kind: str, after: int) -> Any:
        if kind == "stock":
            return {
                "items": [self.level(*each.split("@")) for each in self.stock],
                "cursor": after,
                "more": False,
            }
        told = sorted(
            (each for each in self.feed.get(kind, {}).values() if each[0] > after), key=lambda t: t[0]
        )
        items = told[:PAGE]
        return {
            "items": [record for _, record in items],
            "cursor": items[-1][0] if items else after,
            "more": len(told) > PAGE,
        }

    def level(self, product: str, location: str) -> Any:
        return {
            "kind": "stock",
            "external_id": f"{product}@{location}",
            "version": 0,
            "product_id": product,
            "sku": product,
            "location_id": location,
            "available": str(self.stock[f"{product}@{location}"]),
        }

    def fetch(self, kind: str, ids: list[str]) -> Any:
        told = self.feed.get(kind, {})
        return {"items": [told[each][1] for each in ids if each in told], "cursor": 0, "more": False}

    def push(self, kind: str, change: Any) -> tuple[int, Any]:
        """Do what was asked, as a remote of this promise does it: (status, answer)."""
        key, record = change["key"], change["record"]
        self.calls["push"] += 1
        held = self.documents.setdefault(kind, {})
        reference = record["external_id"]
        if kind == "stock":
            return self.write_stock(key, record)
        if self.promise == "A" and key in self.by_key:
            return 200, {"id": self.by_key[key]}
        if change["id"]:
            there = change["id"]
        elif self.promise == "D":
            there = f"{kind}-{reference}"
        elif self.promise in "AC":
            there = f"{kind}-{len(held) + 1}"
        else:  # B: the reference is unique, a second document of it is refused
            there = f"{kind}-{reference}"
            if there in held:
                return 409, {"id": there}
        self.by_key[key] = there
        before = held.get(there)
        if before != record:
            held[there] = record
            self.effects.append((kind, key, there, record.get("state", "")))
            self.book(kind, before, record)
        return 200, {"id": there}

    def book(self, kind: str, before: Any, record: Any) -> None:
        """An order takes its pieces from the stock, a refund brings back what was restocked."""
        for sign, each in ((1, before), (-1, record)):
            for line in each["lines"] if each and kind in ("order", "refund") else ():
                location = each["location"] if kind == "order" else line["restock_to"]
                place = f"{line['sku']}@{location}"
                if place in self.stock and each.get("state") != "cancelled":
                    self.stock[place] += sign * int(line["quantity"]) * (1 if kind == "order" else -1)

    def write_stock(self, key: str, record: Any) -> tuple[int, Any]:
        place = f"{record['product_id']}@{record['location_id']}"
        shown, expected = self.stock.get(place, 0), record.get("expected")
        if expected is not None and int(expected) != shown:
            return 409, {"current": str(shown)}
        if shown != int(record["available"]):
            self.stock[place] = int(record["available"])
            self.effects.append(("stock", key, place, record["available"]))
        return 200, {"id": place}

    def find(self, key: str) -> Any:
        self.calls["find"] += 1
        return {"id": self.by_key.get(key, "")}

    def move(self, token: str, moved: dict[str, int]) -> None:
        if token and token in self.tokens:
            return
        self.tokens.add(token)
        for place, pieces in moved.items():
            self.stock[place] = self.stock.get(place, 0) + pieces

    def loss(self, reference: str) -> str:
        """How the answer about this record is lost, empty if it is not."""
        if reference in self.lose_once:
            self.lose_once.remove(reference)
        elif self.dice.random() >= self.lose:
            return ""
        self.calls["lost"] += 1
        return self.dice.choice(LOSSES)

    def seen(self, of: list[str]) -> Any:
        documents = {
            kind: {there: each for there, each in held.items() if not of or each["external_id"] in of}
            for kind, held in self.documents.items()
        }
        return {
            "effects": [each for each in self.effects if not of or each[2] in documents.get(each[0], ())],
            "documents": documents,
            "stock": self.stock,
            "calls": self.calls,
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}
        self.making = threading.Lock()
        self.connected = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    def room(self, name: str) -> Room:
        with self.making:
            return self.rooms.setdefault(name, Room())

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self.making:
            self.connected += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.making:
                self.connected -= 1

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that are killed in the middle of a call are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        _, name, *words = address.path.split("/")
        query = {each: values[-1] for each, values in parse_qs(address.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        room = self.server.room(name)
        if not address.path.startswith(f"/{name}/_"):
            with room.lock:
                wait = room.admit()
            if wait:
                self.answer(429, {}, wait=wait)
                return
        match words:
            case ["push", kind]:
                if room.latency:
                    time.sleep(room.latency * random.random() * 2)
                with room.lock:
                    status, answer = room.push(kind, body)
                    loss = room.loss(body["record"]["external_id"])
                self.answer(status, answer, loss)
                return
            case ["_set"]:
                with room.lock:
                    vars(room).update(body)
                answer = {}
            case ["_tell"]:
                with room.lock:
                    room.tell(body)
                answer = {}
            case ["_stock"]:
                with room.lock:
                    room.move(**body)
                answer = {}
            case ["_connected"]:
                answer = self.server.connected
            case ["_calls"]:
                answer = room.calls
            case ["_seen"]:
                with room.lock:
                    answer = room.seen(body or [])
            case ["pull", kind]:
                with room.lock:
                    answer = room.pull(kind, int(query["after"]))
            case ["fetch", kind]:
                with room.lock:
                    answer = room.fetch(kind, query["ids"].split(","))
            case ["find"]:
                with room.lock:
                    answer = room.find(query["key"])
            case _:
                answer = {"name": name}
        self.answer(200, answer)

    do_POST = do_PUT = do_GET  # noqa: N815 - the names that http.server looks for

    def answer(self, status: int, answer: Any, loss: str = "", wait: int = 0) -> None:
        content = json.dumps(answer).encode()
        if loss in ("close", "reset"):
            if loss == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.close(self.connection.detach())
            self.close_connection = True
            return
        self.send_response(500 if loss == "error" else status)
        if wait:
            self.send_header("Retry-After", str(wait))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if loss == "half" else content)
        self.close_connection |= loss == "half"

    def log_message(self, *args: object) -> None:
        """The log is the rooms'."""


@dataclass(frozen=True)
class Seen:
    """What a room has seen; ``effects`` are (kind, change key, document, state) in their order."""

    effects: list[tuple[str, str, str, str]]
    documents: dict[str, dict[str, Any]]
    stock: dict[str, int]
    calls: dict[str, int]

    def made(self, kind: str) -> Counter[str]:
        """How many documents there are for each reference of this kind: one, if all is well."""
        return Counter(each["external_id"] for each in self.documents.get(kind, {}).values())

    def missing(self, kind: str, wanted: Iterable[str]) -> list[str]:
        """References that have no document."""
        made = self.made(kind)
        return [each for each in wanted if each not in made]

    def doubled(self, kind: str) -> list[str]:
        """References with more than one document, and changes that had an effect more than once."""
        keys = Counter(key for each, key, _, _ in self.effects if each == kind)
        return [name for counts in (self.made(kind), keys) for name, count in counts.items() if count > 1]


class Witness:
    """The witness's process, from outside."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.remote"], stdout=subprocess.PIPE, start_new_session=True
        )
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        return self

    def __exit__(self, *error: object) -> None:
        self._process.kill()
        self._process.wait()

    def room(self, name: str, **fields: Any) -> str:
        """Set what a room is like; its address.

        ``rate`` and ``burst`` are the calls it bears (429 beyond), ``storm`` (from, until) the moments
        (``time.monotonic``) between which it bears none.
        ``promise``; ``lose``, the share of answers that are lost; ``lose_once``, records the answer about which
        is lost the next time; ``latency``, seconds in the mean.
        """
        self._ask(f"{name}/_set", fields)
        return f"{self.url}/{name}"

    def tell(self, name: str, records: Iterable[Any]) -> None:
        """Records (of the SDK) that the room tells to whoever pulls; a known id is changed.

        A version that it has told already changes nothing: whoever lost it does not get it a second time.
        """
        self._ask(f"{name}/_tell", [{"kind": each.kind} | each.model_dump(mode="json") for each in records])

    def move_stock(self, name: str, moved: dict[str, int], token: str = "") -> None:
        """Pieces that came or went at ``product@location``; with a ``token`` only the first time it is said."""
        self._ask(f"{name}/_stock", {"moved": moved, "token": token})

    def rest(self, seconds: float = 20) -> None:
        """Wait until nobody but us is connected: what dead clients had sent was done. Raises ``TimeoutError``."""
        end = time.monotonic() + seconds
        while self._ask("all/_connected") > 1:
            if time.monotonic() > end:
                raise TimeoutError(f"Somebody is still connected to the witness after {seconds:g} seconds.")
            time.sleep(0.002)

    def calls(self, name: str) -> Counter[str]:
        """How often the room was asked to ``push`` and to ``find``, and how many answers were ``lost``."""
        return Counter(self._ask(f"{name}/_calls"))

    def seen(self, name: str, of: Iterable[str] = ()) -> Seen:
        """All that the room has seen, or with ``of`` only what concerns these references."""
        answer = self._ask(f"{name}/_seen", list(of))
        return Seen(**answer | {"effects": [tuple(each) for each in answer["effects"]]})

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/{path}", data), timeout=60) as answer:
            return json.load(answer)


if __name__ == "__main__":
    server = _Server()
    print(server.server_address[1], flush=True)
    server.serve_forever(0.05)
