"""Fixtures for every room. The database and the queue come from `tests/stacks.py`."""

import shutil

import pytest
from django.db import connections
from django.test import override_settings

from tests.stacks import redis

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


# A file is run by one worker: the long ones begin first, so that none of them is alone at the end.
FIRST = (
    "tests/demo/test_demo.py",
    "tests/desk/test_browser.py",
    "tests/plugin_host/test_preflight.py",
    "tests/runner/test_serve.py",
    "tests/plugins/tryton",
    "tests/scaffold",
)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: next((i for i, path in enumerate(FIRST) if path in item.nodeid), 99))
    for item in items:
        if "page" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session", autouse=True)
def passwords_at_once():
    """What makes a password slow to guess would cost each test with a person in it a quarter of a second."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """What pytest-playwright starts its browser with: the machine's own chromium, nothing is downloaded."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if program is None:
        pytest.skip("no chromium on this machine: `apt install chromium` lets the browser tests run")
    with pytest.MonkeyPatch.context() as patch:
        # Playwright keeps an event loop in this thread to the end of the session. Django takes that for a mistake, and
        # keeps other connections while a loop runs: one that is open when it begins, or when it ends, would not be
        # found to be closed again.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        connections.close_all()
        yield {"executable_path": program, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def playwright(playwright):
    """Playwright, which leaves no connection to a database behind."""
    yield playwright
    connections.close_all()


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    """A real Redis, whatever the stack; its URL."""
    with redis(tmp_path_factory.mktemp("redis")) as url:
        yield url
