from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from portal.sdk import Http


class Remote(ThreadingHTTPServer):
    """Counts how often somebody connects to it."""

    connected = 0

    def get_request(self):
        self.connected += 1
        return super().get_request()


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def log_message(self, *_):
        """Tests are quiet."""


@pytest.fixture
def remote():
    with Remote(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_one_call_after_another_goes_over_one_kept_alive_connection(remote):
    http = Http(f"http://127.0.0.1:{remote.server_address[1]}")
    for _ in range(3):
        assert http.get("/").json() == {}
        assert http.post("/", json={"order": 1}).json() == {}
    http.close()
    assert remote.connected == 1
