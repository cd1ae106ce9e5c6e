"""A real Tryton server on this machine, for the demo, the tests and CI."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .build import DATABASE, configure, prepare
from .environment import ServerError, interpreter

SERVE = Path(__file__).with_name("serve.py")
START_WITHIN = 60  # seconds


@dataclass(frozen=True)
class TrytonServer:
    """Where a running server is, and how to sign in. ``key`` is for REST, the password for JSON-RPC."""

    url: str
    database: str
    user: str
    web_shop: str
    password: str = field(repr=False)
    key: str = field(repr=False)
    directory: Path

    prepare = staticmethod(prepare)

    @classmethod
    @contextlib.contextmanager
    def start(cls, directory: Path, prepared: Path | None = None, port: int = 0) -> Iterator[TrytonServer]:
        """Run a server on the database in ``directory`` and stop it at the end.

        Where ``directory`` holds no database yet, the one from ``prepared`` is copied into it; where it
        holds one, the server goes on with that. ``port`` 0 means any free port. Raises ``ServerError``.
        """
        directory = directory.resolve()
        directory.mkdir(parents=True, exist_ok=True)
        if not (directory / f"{DATABASE}.sqlite").exists():
            if prepared is None:
                raise ServerError(f"{directory} holds no Tryton database and none was given to copy.")
            for name in ("access.json", f"{DATABASE}.sqlite"):
                shutil.copyfile(prepared / name, directory / name)
        access = json.loads((directory / "access.json").read_text(encoding="utf-8"))
        port = port or _free_port()
        with (directory / "trytond.log").open("ab") as log:
            process = subprocess.Popen(
                [str(interpreter()), str(SERVE), "-c", str(configure(directory, port)), "-d", DATABASE],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
                start_new_session=True,  # a Ctrl-C in the terminal is the parent's to handle
            )
        try:
            _wait_until_it_answers(process, port, directory / "trytond.log")
            yield cls(url=f"http://127.0.0.1:{port}", database=DATABASE, directory=directory, **access)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for the refusal of a stranger: it comes from the database, which is then up too."""
    deadline = time.monotonic() + START_WITHIN
    said: object = None
    while said != http.HTTPStatus.UNAUTHORIZED:
        if process.poll() is not None:
            raise _failed(f"Tryton stopped while starting (exit code {process.returncode})", log)
        if said is not None:
            raise _failed(f"Tryton answered with HTTP {said} while starting", log)
        if time.monotonic() > deadline:
            raise _failed(f"Tryton did not answer on port {port} within {START_WITHIN} s", log)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", f"/{DATABASE}/rest/model/company.company")
            said = connection.getresponse().status
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()


def _failed(what: str, log: Path) -> ServerError:
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    return ServerError("\n".join([f"{what}; the end of {log}:", *tail]))
