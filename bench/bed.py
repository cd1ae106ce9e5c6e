"""The test-bed: a shop and an ERP in one program whose own cost is negligible, with a log of what was done.

`python -m bench.bed` prints its address and serves until it is ended. HTTP/1.1 by hand, because every
framework costs more than what is measured.

    GET  /orders?after=N   a page of up to 250 orders behind number N
    GET  /orders?ids=1,2   these
    GET  /items?of=K       everything of a kind: products, locations
    POST /sales            one effect, named by its Idempotency-Key; answered after the latency
    GET  /sales?key=K      whether that effect is there
    POST /reset            {"orders", "latency"}: what follows is counted anew, unless "keep" is true
    GET  /log              {"done", "doubled", "began", "ended"}
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvloop

from bench.orders import SKUS, raw

PAGE = 250


class Bed:
    """What the remote holds, and what was done to it."""

    def __init__(self) -> None:
        self.reset({})

    def reset(self, wanted: dict[str, Any]) -> None:
        if not wanted.pop("keep", False):
            self.effects: Counter[str] = Counter()
            self.orders, self.latency, self.began, self.ended = 0, 0.0, 0.0, 0.0
        vars(self).update(wanted)

    def log(self) -> dict[str, Any]:
        return {
            "done": len(self.effects),
            "doubled": sum(self.effects.values()) - len(self.effects),
            "began": self.began,
            "ended": self.ended,
        }

    def page(self, after: int) -> bytes:
        self.began = self.began or time.time()
        last = max(after, min(after + PAGE, self.orders))
        more = b"true" if last < self.orders else b"false"
        items = b",".join(map(raw, range(after + 1, last + 1)))
        return b'{"items":[%s],"next":%d,"more":%s}' % (items, last, more)

    def named(self, ids: str) -> bytes:
        return b'{"items":[%s]}' % b",".join(raw(int(each)) for each in ids.split(","))

    def items(self, kind: str) -> bytes:
        if kind == "locations":
            return b'{"items":[{"id":"main","code":"MAIN","version":1}]}'
        found = [{"id": f"p{number}", "sku": f"SKU-{number}", "version": 1} for number in range(SKUS)]
        return json.dumps({"items": found}).encode()

    def sell(self, key: str) -> bytes:
        self.effects[key] += 1
        self.ended = time.time()
        return b'{"id":"S%s"}' % key.encode()

    def find(self, key: str) -> bytes:
        return b'{"id":"S%s"}' % key.encode() if key in self.effects else b"{}"


class Line(asyncio.Protocol):
    """One kept-alive connection; its requests are answered in their order."""

    def __init__(self, bed: Bed) -> None:
        self.bed, self.buffer = bed, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n") + 4) > 3:
            head = self.buffer[:end]
            whole = end + int(_header(head.lower(), b"content-length") or 0)
            if len(self.buffer) < whole:
                return
            body, self.buffer = self.buffer[end:whole], self.buffer[whole:]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        method, target, _ = head.split(b" ", 2)
        path = target.decode()
        wait = 0.0 if path in ("/log", "/reset") else self.bed.latency
        said = self._sold(head) if method == b"POST" and path == "/sales" else self._said(path, body)
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
            len(said),
            said,
        )
        if wait:
            asyncio.get_running_loop().call_later(wait, self.transport.write, answer)
        else:
            self.transport.write(answer)

    def _sold(self, head: bytes) -> bytes:
        return self.bed.sell(_header(head.lower(), b"idempotency-key").decode())

    def _said(self, target: str, body: bytes) -> bytes:
        parts = urlsplit(target)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/log":
            return json.dumps(self.bed.log()).encode()
        if parts.path == "/reset":
            self.bed.reset(json.loads(body))
            return b"{}"
        if parts.path == "/orders":
            return self.bed.named(asked["ids"]) if "ids" in asked else self.bed.page(int(asked["after"]))
        if parts.path == "/items":
            return self.bed.items(asked["of"])
        return self.bed.find(asked["key"])


def _header(head: bytes, name: bytes) -> bytes:
    start = head.find(b"\r\n" + name + b":")
    return b"" if start < 0 else head[start + len(name) + 3 : head.find(b"\r\n", start + 2)].strip()


async def main() -> None:
    bed = Bed()
    server = await asyncio.get_running_loop().create_server(lambda: Line(bed), "127.0.0.1", 0, backlog=512)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
