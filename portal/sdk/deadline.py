"""A call's deadline: its socket is shut at that moment, whatever the remote is dripping into it.

A socket's own timeout counts from byte to byte, so that a remote which sends one now and then holds its caller
for ever.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from http.client import HTTPConnection as BareConnection
from types import TracebackType
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

LOOK_EVERY = 0.25
"""Seconds between two looks at the calls under way: a call may last that much longer."""


class Deadline:
    """``with Deadline(45) as deadline:`` one call is made; ``deadline.passed`` says whether it was cut off."""

    def __init__(self, seconds: float) -> None:
        self.passed = False
        self._ends = time.monotonic() + seconds
        self._connection: Any = None
        self._socket: Any = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        _here.deadline = self
        _watch.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _here.deadline = None
        _watch.drop(self)
        self.hold(None)

    def hold(self, connection: Any) -> None:
        """The call goes over this connection from now on, and over the socket it has now, if it has one."""
        with self._lock:
            self._connection = connection
            self._socket = getattr(connection, "sock", None)
            if self.passed:
                self._cut()

    def look(self) -> None:
        with self._lock:
            if not self.passed and time.monotonic() > self._ends:
                self.passed = True
                self._cut()

    def _cut(self) -> None:
        # A connection lets go of its socket before an answer without a length is read to its end.
        sock = getattr(self._connection, "sock", None) or self._socket
        if sock is not None:
            try:
                # Not the encrypted socket's own method, which takes its state from under the reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass  # the other side was quicker


class _Watch:
    """One thread for all calls of the process; it ends when none is under way."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Deadline] = set()
        self._awake = False

    def add(self, call: Deadline) -> None:
        with self._lock:
            self._calls.add(call)
            if not self._awake:
                self._awake = True
                threading.Thread(target=self._run, name="deadlines", daemon=True).start()

    def drop(self, call: Deadline) -> None:
        with self._lock:
            self._calls.discard(call)

    def _run(self) -> None:
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                calls = list(self._calls)
                if not calls:
                    self._awake = False
                    return
            for call in calls:
                call.look()


_here = threading.local()
_watch = _Watch()
os.register_at_fork(after_in_child=_watch.__init__)  # type: ignore[misc]  # a fork takes no thread along


class _Held:
    """Tells the deadline of its thread which connection is used. A request leaves in one piece, head and body: each
    piece costs a system call, and whoever makes one has to wait for Python's lock again."""

    _pieces: list[bytes]

    def connect(self) -> None:
        self._tell()
        super().connect()  # type: ignore[misc]

    def request(self, *args: Any, **options: Any) -> None:
        self._tell()
        self._pieces = []
        super().request(*args, **options)  # type: ignore[misc]
        super().send(b"".join(self._pieces))  # type: ignore[misc]

    def putheader(self, header: Any, *values: Any) -> None:
        """Without urllib3's look for a word that we never use."""
        BareConnection.putheader(self, header, *values)  # type: ignore[arg-type]

    def send(self, data: Any) -> None:
        self._pieces.append(data)

    def getresponse(self) -> Any:
        self._tell()
        return super().getresponse()  # type: ignore[misc]

    def _tell(self) -> None:
        if (deadline := getattr(_here, "deadline", None)) is not None:
            deadline.hold(self)


class _Plain(_Held, HTTPConnection):
    pass


class _Encrypted(_Held, HTTPSConnection):
    pass


class PlainPool(HTTPConnectionPool):
    """Connections that can be cut off."""

    ConnectionCls = _Plain


class EncryptedPool(HTTPSConnectionPool):
    """The same, encrypted."""

    ConnectionCls = _Encrypted
