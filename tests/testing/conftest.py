import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from portal.testing.shop import ShopServer


class Client:
    """One kept-alive connection to a shop, as an API client has it."""

    def __init__(self, shop: ShopServer) -> None:
        self.token = shop.token
        self.connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=5)

    def raw(self, method, path, body=None):
        sent = None if body is None else json.dumps(body)
        self.connection.request(method, path, sent, {"Authorization": f"Bearer {self.token}"})
        answer = self.connection.getresponse()
        return answer, answer.read()

    def __call__(self, method, path, body=None):
        answer, content = self.raw(method, path, body)
        return answer.status, json.loads(content)

    def get(self, path):
        status, content = self("GET", path)
        assert status == 200, content
        return content


class Receiver:
    """A webhook endpoint that keeps what it got and answers with the statuses it was told, then 200."""

    def __init__(self) -> None:
        self.got, self.paths = [], []
        self.statuses = []
        self.arrived = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    receiver.paths.append(self.path)
                    receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver.arrived.notify_all()
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?account=1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait_for(self, count: int, seconds: float = 5):
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= count, seconds), (
                f"only {len(self.got)} came"
            )
            return list(self.got)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def shop() -> Iterator[ShopServer]:
    with ShopServer(webhook_retries=(0.05, 0.05)) as server:
        yield server


@pytest.fixture
def client(shop):
    return Client(shop)


@pytest.fixture
def client_of():
    return Client


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    endpoint = Receiver()
    yield endpoint
    endpoint.close()


@pytest.fixture
def an_order():
    """What a customer orders, with changes: `an_order(currency="USD")`."""

    def make(**changes):
        return {
            "currency": "EUR",
            "tax_included": True,
            "location": "BER",
            "lines": [{"sku": "TEA-001", "quantity": 3}, {"sku": "CUP-001", "quantity": 2}],
            "shipping": {"amount": "4.90"},
        } | changes

    return make
