"""The example plugins as a company installs them: their wheels, in an environment of their own, beside the portal."""

import shutil
import subprocess
import sys
import sysconfig

import pytest
from django.conf import settings

from tests.plugin_host.conftest import Portal

EXAMPLES = settings.BASE_DIR / "examples"
NAMES = ("portal-acme", "portal-dummy")


def run(*words, cwd=None):
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def wheel(name, place):
    """Build the wheel of one example from a copy, so that nothing is left in the tree."""
    source = shutil.copytree(
        EXAMPLES / name, place / name, ignore=shutil.ignore_patterns(".*", "build", "*.egg-info")
    )
    run(
        sys.executable, "-c", "from setuptools.build_meta import build_wheel; build_wheel('dist')", cwd=source
    )
    return next((source / "dist").glob("*.whl"))


@pytest.fixture(scope="session")
def portal(tmp_path_factory):
    """A portal with both examples admitted and its tables made. What they need else comes from our own environment;
    nothing is downloaded."""
    if shutil.which("uv") is None:
        pytest.skip("no uv on this machine: `pip install uv` lets the examples be installed")
    place = tmp_path_factory.mktemp("installed")
    python = place / "env" / "bin" / "python"
    run("uv", "venv", "--python", sys.executable, str(place / "env"))
    wheels = [str(wheel(name, place)) for name in NAMES]
    run("uv", "pip", "install", "--offline", "--no-index", "--no-deps", "--python", str(python), *wheels)
    site = next((place / "env" / "lib").glob("*/site-packages"))
    (site / "the-portal.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    portal = Portal(place, python)
    portal.examined = portal.ok("plugins", "preflight")
    portal.ok("migrate", "--verbosity=0")
    return portal


@pytest.fixture(scope="session")
def answers():
    return {name: EXAMPLES / name / "tests" / "answers.json" for name in NAMES}
