"""The server that demo and tests start: it goes on with its data and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from plugins.tryton.server import ServerError, TrytonServer
from tests.waiting import eventually

pytestmark = pytest.mark.tryton
ROOT = Path(__file__).parents[3]

PARENT = """
import signal, sys, time
from pathlib import Path
from plugins.tryton.server import TrytonServer
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it, and so would this
with TrytonServer.start(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    time.sleep(60)
"""


def answers(url):
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


@pytest.fixture
def database(server, tmp_path):
    """A directory with a database of its own: a copy of what the session's server began with."""
    with TrytonServer.start(tmp_path, TrytonServer.prepare(ROOT / "portal/testing/shop/catalogue.json")):
        pass
    return tmp_path


@pytest.mark.processes
@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
def test_it_dies_with_its_parent_and_starts_again_on_the_same_data(blow, database):
    command = [sys.executable, "-c", PARENT, str(database)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        url = parent.stdout.readline().strip()
        assert answers(url)
        os.kill(parent.pid, blow)
    eventually(lambda: not answers(url), 10, lambda: "Tryton has outlived its parent")
    with TrytonServer.start(database) as again:
        assert answers(again.url)


def test_a_directory_without_a_database_is_refused_with_a_sentence(tmp_path):
    with pytest.raises(ServerError, match="holds no Tryton database"), TrytonServer.start(tmp_path):
        pass


def test_a_server_that_cannot_start_shows_the_end_of_its_log(database):
    (database / "tryton.sqlite").write_bytes(b"this is not a database" * 100)
    with (
        pytest.raises(ServerError, match="while starting"),
        TrytonServer.start(database),
    ):
        pass
