import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from django.conf import settings

from portal.plugins.manager import plugins
from tests.engine import erp, house, rings, shop, toys

__all__ = ["erp", "house", "rings", "shop", "toys"]


class Portal:
    """A portal of its own, with its own data and the distributions in `site` beside the portal's."""

    def __init__(self, place, python=sys.executable):
        self.python = python
        self.site = place / "site"
        self.data = place / "data"
        self.log = place / "serve.log"
        self.site.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.bind = f"127.0.0.1:{probe.getsockname()[1]}"
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(self.site),
            "PORTAL_ENV_FILE": str(place / "none"),
            "PORTAL_DATA_DIR": str(self.data),
            "PORTAL_DEBUG": "1",
            "PORTAL_BIND": self.bind,
            "PORTAL_BASE_URL": f"http://{self.bind}",
            "PORTAL_WEB_WORKERS": "1",
        }

    def manage(self, *words, **variables):
        return subprocess.run(
            [self.python, "manage.py", *words],
            env={**self.env, **variables},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=200,
        )

    def ok(self, *words, **variables):
        answer = self.manage(*words, **variables)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout + answer.stderr

    @contextmanager
    def served(self, *processes, **variables):
        """The real `serve` with the processes named, else `web`; gives the text of its login page."""
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [self.python, "manage.py", "serve", *(processes or ["web"])],
                env={**self.env, **variables},
                cwd=settings.BASE_DIR,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield self._page(process)
        finally:
            process.terminate()
            process.wait(timeout=60)

    def _page(self, process):
        end = time.monotonic() + 120
        while process.poll() is None:
            try:
                with urlopen(f"http://{self.bind}/admin/login/", timeout=10) as answer:
                    return answer.read().decode()
            except HTTPError as error:
                pytest.fail(f"{error}: {error.read().decode()[:2000]}")
            except (URLError, OSError):
                assert time.monotonic() < end, "the portal is not up after two minutes"
                time.sleep(0.2)
        pytest.fail(f"serve ended: {self.log.read_text()}")


@pytest.fixture
def portal(tmp_path):
    return Portal(tmp_path)


@pytest.fixture(scope="module")
def shared_portal(tmp_path_factory):
    return Portal(tmp_path_factory.mktemp("portal"))


@pytest.fixture
def owned(house, monkeypatch):
    """The house, whose shop is brought by the plugin `shops` and whose ERP by the plugin `erps`."""
    monkeypatch.setattr(plugins(), "_owners", {"toyshop": "shops", "toyerp": "erps"})
    monkeypatch.setattr(plugins(), "_packages", {"shops": "tests.toys"})
    return house
