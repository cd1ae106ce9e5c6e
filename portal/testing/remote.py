"""A scripted remote: a real HTTP server on 127.0.0.1 that answers from plain data and fails on demand.

>>> import requests
>>> with Remote({"GET /hello": {"who": "world"}}) as remote:
...     requests.get(f"{remote.url}/hello", timeout=5).json(), str(remote.requests[0])
({'who': 'world'}, 'GET /hello')
"""

from __future__ import annotations

import copy
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from portal.testing.faults import Fault
from portal.testing.script import (
    Answers,
    Reply,
    Request,
    Say,
    body_text,
    choose,
    load,
    nearest,
    route,
    shortened,
)

Alter = Callable[[Request, Any], Any]
TOO_MANY = Reply(500, {"error": "The scripted remote was asked too often."})
UNKNOWN = Reply(404, {"error": "There is nothing here."})


class Remote:
    """Answers are routes to JSON or to a :class:`Reply`; ``reads`` are routes that change nothing although
    their method looks as if (a search by POST). ``say`` gives the text that ``~text`` of a route is looked for
    in, where that is not the body.

    ``requests`` is the log. ``alter`` may change the JSON of any answer on its way out. After ``patience``
    requests every answer is HTTP 500, so that a client in a circle gets out of it.
    """

    def __init__(self, answers: Answers | Path, reads: Sequence[str] = (), *, say: Say = body_text) -> None:
        self._answers = dict(load(answers))
        self._say = say
        self._reads = [route(each) for each in reads]
        for each in self._answers:
            route(each)
        self.requests: list[Request] = []
        self.patience = 10_000
        self.alter: Alter | None = None
        self._fault: Fault | None = None
        self._writes_only, self._after = False, 0
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._server.begin()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.end()

    def answer_also(self, answers: Answers) -> None:
        """From now on these answers are given too, and win over equal routes."""
        self._answers |= answers

    def fail(self, fault: Fault | None, *, writes_only: bool = False, after: int = 0) -> None:
        """Let every call fail so, or every write, once ``after`` of them were answered well. None: heal."""
        self._fault, self._writes_only, self._after = fault, writes_only, after

    def is_write(self, request: Request) -> bool:
        return request.method not in ("GET", "HEAD") and not any(read.fits(request) for read in self._reads)

    @property
    def writes(self) -> list[Request]:
        return [request for request in self.requests if self.is_write(request)]

    @property
    def unanswered(self) -> list[str]:
        """What was asked that the script has no answer for, each once, with the route that comes nearest."""
        return list(dict.fromkeys(self._told(request) for request in self.requests if request.route is None))

    def _told(self, request: Request) -> str:
        said = f" saying “{shortened(request.says)}”" if request.says else ""
        near = nearest(self._answers, request)
        return f"{request}{said}" + (f" (nearest is “{shortened(near)}”)" if near else "")

    @property
    def silent(self) -> bool:
        """Whether a connection closed without an answer stands for a time-out just now."""
        return self._fault is not None and self._fault.wire == "silent"

    @property
    def open_connections(self) -> int:
        return self._server.open_connections

    def answer(self, request: Request) -> tuple[Reply, Fault | None]:
        request = replace(request, says=self._say(request))
        with self._lock:
            chosen = choose(self._answers, request)
            self.requests.append(replace(request, route=chosen))
            fault = self._next_fault(request)
        if len(self.requests) > self.patience:
            return TOO_MANY, None
        if fault and fault.reply:
            return fault.reply, fault
        answer = UNKNOWN if chosen is None else self._answers[chosen]
        reply = answer if isinstance(answer, Reply) else Reply(body=answer)
        if self.alter and chosen is not None and not isinstance(reply.body, bytes):
            reply = replace(reply, body=self.alter(replace(request, route=chosen), copy.deepcopy(reply.body)))
        return reply, fault

    def _next_fault(self, request: Request) -> Fault | None:
        if self._fault is None or (self._writes_only and not self.is_write(request)):
            return None
        if self._after:
            self._after -= 1
            return None
        return self._fault


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self._connections: set[Any] = set()
        self._stopped = False
        super().__init__(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._serve, name="scripted-remote", daemon=True)

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def begin(self) -> None:
        self._thread.start()

    def end(self) -> None:
        # A connection of our own wakes the loop at once, where polling would cost a pause for each test.
        self._stopped = True
        socket.create_connection(self.server_address[:2], timeout=5).close()  # type: ignore[arg-type]
        self._thread.join()
        self.server_close()
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker

    def _serve(self) -> None:
        while not self._stopped:
            self.handle_request()

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is what is being tested."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length") or 0))
        reply, fault = self.server.remote.answer(Request(self.command, self.path, headers, body))
        wire = fault.wire if fault else "whole"
        if wire in ("lost", "silent"):
            self.close_connection = True
            return
        content = reply.content(self.server.remote.url)
        sent = content[: len(content) // 2] if wire in ("cut", "half") else content
        self.send_response_only(reply.status)
        usual = {"Content-Type": "application/json", "Date": self.date_time_string()}
        for name, value in (usual | dict(reply.headers)).items():
            self.send_header(name, value.replace("{url}", self.server.remote.url))
        self.send_header("Content-Length", str(len(sent if wire == "half" else content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        self.close_connection = self.close_connection or wire == "cut"

    do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_GET  # noqa: N815 - http.server calls them so

    def log_message(self, *args: object) -> None:
        """The log is `Remote.requests`."""
