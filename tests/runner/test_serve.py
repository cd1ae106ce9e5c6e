"""The portal as a company's server runs it: production settings, three real processes and what they start."""

import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.runner.conftest import is_alive
from tests.waiting import eventually

pytestmark = pytest.mark.processes

MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def marked(mark: str) -> dict[int, str]:
    """Every process that was started with this mark in its environment: its number and its command."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (process / "environ").read_bytes() and is_alive(int(process.name)):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def environment(place, port):
    return {
        "PATH": os.environ["PATH"],
        "SERVE_TEST": str(place),
        "PORTAL_ENV_FILE": str(place / "none"),
        "PORTAL_DATA_DIR": str(place),
        "PORTAL_SECRET_KEY": "a-secret-of-this-test-that-is-long-enough-to-pass-every-check",
        "PORTAL_CREDENTIAL_KEYS": base64.urlsafe_b64encode(b"k" * 32).decode(),
        "PORTAL_BASE_URL": f"http://127.0.0.1:{port}",
        "PORTAL_BIND": f"127.0.0.1:{port}",
    }


@pytest.fixture(scope="module")
def migrated(tmp_path_factory):
    """The data directory of a portal that was never started."""
    place = tmp_path_factory.mktemp("migrated")
    command = [*MANAGE, "migrate", "--verbosity=0"]
    subprocess.run(command, env=environment(place, free_port()), check=True, timeout=120)
    return place


@pytest.fixture
def server(tmp_path, migrated):
    """`manage.py serve` on an empty database of its own, up and answering."""
    port = free_port()
    shutil.copytree(migrated, tmp_path, dirs_exist_ok=True)
    own = environment(tmp_path, port)
    with (tmp_path / "serve.log").open("w") as log:
        process = subprocess.Popen([*MANAGE, "serve"], env=own, stdout=log, stderr=subprocess.STDOUT)
    server = Server(process, f"http://127.0.0.1:{port}", tmp_path, own)
    try:
        eventually(lambda: server.answers() and server.find("qcluster"), 60)
        yield server
    finally:
        for pid in server.living():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


class Server:
    def __init__(self, process, url, place, environment):
        self.process = process
        self.url = url
        self.place = place
        self.environment = environment

    def run(self, code):
        """Python code, in a process of its own that is none of the server's."""
        subprocess.run([*MANAGE, "shell", "-v0", "-c", code], env=self.environment, check=True, timeout=60)

    def answers(self):
        with suppress(requests.ConnectionError):
            return requests.get(f"{self.url}/admin/login/", timeout=10)

    def living(self):
        return marked(f"SERVE_TEST={self.place}")

    def find(self, word):
        return sorted(pid for pid, command in self.living().items() if word in command)

    def log(self):
        return (self.place / "serve.log").read_text()


def test_the_portal_serves_its_pages_with_their_styles_and_headers(server):
    page = server.answers()
    assert page.status_code == 200
    assert page.headers["X-Frame-Options"] == "DENY"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    style = next(part for part in page.text.split('"') if part.endswith(".css"))
    answer = requests.get(f"{server.url}{style}", timeout=10)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_host_that_is_not_ours_is_refused(server):
    assert requests.get(server.url, headers={"Host": "evil.example"}, timeout=10).status_code == 400


def test_stopping_the_portal_finishes_the_work_in_hand_and_leaves_no_process_behind(server):
    eventually(lambda: len(server.find("qcluster")) >= 4)
    work = ["sh", "-c", f"touch {server.place}/begun; sleep 3; touch {server.place}/ended"]
    server.run(f"from django_q.tasks import async_task; async_task('subprocess.call', {work})")
    eventually((server.place / "begun").exists)
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=60)
    eventually(lambda: not server.living(), 5)
    assert "The portal has stopped." in server.log()
    assert (server.place / "ended").exists()


def test_killing_the_portal_leaves_no_process_behind(server):
    eventually(lambda: len(server.find("qcluster")) >= 4)
    server.process.kill()
    eventually(lambda: not server.living(), 60)


def test_a_killed_cluster_comes_back_without_its_old_workers(server):
    before = eventually(lambda: len(pids := server.find("qcluster")) >= 4 and pids)
    os.kill(before[0], signal.SIGKILL)
    eventually(lambda: "starting it again" in server.log())
    after = eventually(lambda: len(pids := server.find("qcluster")) >= 4 and pids, 60)
    assert set(before).isdisjoint(after)
