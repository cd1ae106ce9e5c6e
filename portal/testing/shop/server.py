"""The shop over HTTP/1.1 on 127.0.0.1: kept-alive connections, one thread each, faults on the way out.

`/api/…` is what clients see, `/_demo/…` what tests and the demo use to stage and to check; faults are
never dealt there.
"""

import os
import socket
import struct
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .api import Api
from .catalogue import seed
from .day import Day
from .demo import Demo
from .faults import Faults, Plan
from .store import Store
from .trade import Trade
from .web import Request, Response
from .webhooks import Webhooks

HTML = b"<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"


class ShopServer:
    """A running shop: `with ShopServer() as shop: ... shop.url`.

    `data` is the directory that keeps its state (memory when None); `port` 0 takes a free one. `odd` adds
    SKUs that cannot be matched by themselves ("unknown", "doubled", "lookalike"); `precision` cuts
    updated_at to "seconds" or "micros"; `webhook_retries` are the waits after each failed delivery.
    """

    def __init__(
        self,
        data: Path | None = None,
        port: int = 0,
        *,
        token: str = "demo-token",  # noqa: S107 (known to all on purpose: the shop is on 127.0.0.1 only)
        faults: Plan | None = None,
        odd: frozenset[str] = frozenset(),
        precision: str = "micros",
        page_size: int = 50,
        webhook_retries: tuple[float, ...] = (0.5, 1, 2, 4, 8),
    ) -> None:
        if data:
            data.mkdir(parents=True, exist_ok=True)
        self.token = token
        self.store = Store(data / "shop.sqlite" if data else None, precision)
        seed(self.store, odd)
        self.trade = Trade(self.store)
        self.faults = Faults(faults or Plan())
        self.webhooks = Webhooks(self.store, self.faults, webhook_retries)
        self.day = Day(self.store, self.trade)
        self._api = Api(self.store, self.trade.warehouse, token, page_size)
        self._demo = Demo(self.store, self.trade, self.faults, self.webhooks, self.day)
        self._http = _HttpServer(("127.0.0.1", port), self)
        self.port: int = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.05,), name="shop-http", daemon=True
        )

    def start(self) -> None:
        self.webhooks.start()
        self.day.resume()
        self._thread.start()

    def close(self) -> None:
        """Answer what is under way, then stop; the state stays where it is kept."""
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self.day.stop()
        self.webhooks.stop()
        self.store.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def answer(self, request: Request) -> Response:
        return (self._demo if request.path.startswith("/_demo/") else self._api).answer(request)


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], shop: ShopServer) -> None:
        self.shop = shop
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Read no further requests, so that idle kept-alive connections end."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:
                pass  # the other side was quicker


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 120
    server: _HttpServer

    def do_GET(self) -> None:
        shop = self.server.shop
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        request = Request(self.command, self.path, headers, body)
        fault = (
            None if request.path.startswith("/_demo/") else shop.faults.for_call(self.command, request.path)
        )
        plan = shop.faults.plan
        match fault:
            case "throttled":
                self._send(_trouble(429, "Too many requests.", {"Retry-After": str(plan.retry_after)}))
            case "throttled_until":
                until = formatdate(time.time() + plan.retry_after, usegmt=True)
                self._send(_trouble(429, "Too many requests.", {"Retry-After": until}))
            case "error_before":
                self._send(_trouble(503, "The shop is down for a moment.", {}))
            case "login_page":
                self._send(Response(200, HTML, {"Content-Type": "text/html"}))
            case "reset_before":
                self._reset()
            case _:
                self._spoil(fault, shop.answer(request), plan.latency)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815 (the names http.server looks for)

    def _spoil(self, fault: str | None, response: Response, latency: float) -> None:
        match fault:
            case "error_after":
                self._send(_trouble(500, "The shop failed.", {}))
            case "reset_after":
                self._reset()
            case "truncated":
                self._send(response, cut=len(response.body) // 2 + 1)
            case "malformed":
                self._send(Response(response.status, response.body[:-1] + b",,", response.headers))
            case "html":
                self._send(Response(502, HTML, {"Content-Type": "text/html"}))
            case _:
                if fault == "latency":
                    time.sleep(latency)
                self._send(response)

    def _send(self, response: Response, cut: int = 0) -> None:
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body[: len(response.body) - cut])
        self.close_connection |= bool(cut)

    def _reset(self) -> None:
        """Close so that the client gets a reset and not an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os.close(self.connection.detach())
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The effect log and the counters say what matters."""


def _trouble(status: int, sentence: str, headers: dict[str, str]) -> Response:
    response = Response.json({"error": sentence}, status)
    return Response(status, response.body, response.headers | headers)
