"""Servers to call, and the client that calls them."""

import socket
import threading

import pytest

from portal.sdk import Http
from tests.sdk.servers import SECRET


@pytest.fixture
def http(httpserver):
    client = Http(
        httpserver.url_for("/api"),
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=[SECRET],
        timeout=(1, 0.3),
    )
    yield client
    client.close()


@pytest.fixture
def raw_server():
    """A server that reads one request, answers with exactly these bytes, and closes."""
    listening = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def serve():
            try:
                peer, _ = server.accept()
                peer.recv(65536)
                if answer is None:  # a reset, not an orderly end
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                else:
                    peer.sendall(answer)
                peer.close()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        return Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1))

    yield start
    for server in listening:
        server.close()
