"""A wire that can be spoilt: it stands between a client and any server on TCP, and knows nothing of what they say.

>>> from portal.testing import Remote
>>> import requests
>>> with Remote({"GET /hello": "world"}) as remote, Proxy(remote.url) as wire:
...     requests.get(f"{wire.url}/hello", timeout=5).json()
'world'
"""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Literal, Self
from urllib.parse import urlsplit

Spoilt = Literal["", "reset", "stall", "truncate", "delay", "duplicate"]
CHUNK = 65536


class Proxy:
    """A context manager; clients use ``url``. What ``spoil`` asks for happens to every answer from then on.

    *reset* breaks the connection when the answer comes, *stall* keeps the answer and the connection,
    *truncate* lets half of it through, *delay* holds it for so many seconds, *duplicate* sends the request to
    the server once more and drops that answer. The server has done its work in each of them. ``spoilt`` counts the
    answers, by what happened to them.
    """

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._server = (address.hostname or "127.0.0.1", address.port or 80)
        self._spoilt: Spoilt = ""
        self._seconds = 0.0
        self.spoilt: Counter[str] = Counter()
        self._ended = threading.Event()
        self._open: set[socket.socket] = set()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        for each in (self._listener, *self._open):
            _close(each)

    def spoil(self, how: Spoilt, seconds: float = 0.0) -> None:
        """From now on every answer is spoilt so; empty: it is let through. ``seconds`` are those of *delay*."""
        self._spoilt, self._seconds = how, seconds

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), name="proxy-wire", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(self._server)
        self._open |= {client, server}
        threading.Thread(
            target=self._answers, args=(server, client), name="proxy-answers", daemon=True
        ).start()
        twin: socket.socket | None = None
        with suppress(OSError):
            while request := client.recv(CHUNK):
                if self._spoilt == "duplicate":
                    twin = twin or self._twin()
                    twin.sendall(request)
                server.sendall(request)
        _close(server)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while answer := server.recv(CHUNK):
                spoilt = self._spoilt
                self.spoilt[spoilt] += 1
                if spoilt == "stall":
                    self._ended.wait()
                if spoilt == "delay":
                    time.sleep(self._seconds)
                if spoilt == "reset":
                    _reset(client)
                    break
                if spoilt == "truncate":
                    client.sendall(answer[: len(answer) // 2])
                    break
                client.sendall(answer)
        _close(client)

    def _twin(self) -> socket.socket:
        """A second connection to the server, whose answers nobody hears."""
        server = socket.create_connection(self._server)
        self._open.add(server)
        threading.Thread(target=_drain, args=(server,), name="proxy-twin", daemon=True).start()
        return server


def _drain(server: socket.socket) -> None:
    with suppress(OSError):
        while server.recv(CHUNK):
            pass


def _close(end: socket.socket, how: int = socket.SHUT_RDWR) -> None:
    """Also for a thread that is reading from it, and would keep it open."""
    with suppress(OSError):
        end.shutdown(how)
    end.close()


def _reset(end: socket.socket) -> None:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    _close(end, socket.SHUT_RD)  # which tells the other side nothing
