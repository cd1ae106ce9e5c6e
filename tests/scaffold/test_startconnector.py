"""`startconnector` writes a package that works at once: its tests, its wheel, and its place in the portal."""

import os
import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

EXAMPLE = settings.BASE_DIR / "examples" / "portal-acme"
PAGE = settings.BASE_DIR / "docs" / "write-a-connector.md"
LEFT_BY_TOOLS = {"__pycache__", ".pytest_cache", ".ruff_cache", "build"}


def start(*words):
    call_command("startconnector", *words)


def run(*words, cwd):
    env = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=100
    )


def texts(directory):
    return {
        str(path.relative_to(directory)): path.read_text("utf-8")
        for path in directory.rglob("*")
        if path.is_file()
        and not any(part in LEFT_BY_TOOLS or part.endswith(".egg-info") for part in path.parts)
    }


@pytest.fixture
def acme(tmp_path):
    start("acme", str(tmp_path / "portal-acme"))
    return tmp_path / "portal-acme"


def test_the_example_is_what_the_command_writes(acme):
    assert texts(EXAMPLE) == texts(acme), (
        "Remove examples/portal-acme and run ./run manage startconnector acme examples/portal-acme"
    )


def test_a_whole_connector_with_its_test_fits_on_a_few_screens():
    lines = [line for path in EXAMPLE.rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert len(lines) <= 120, "blank lines and all"


@pytest.mark.parametrize("name", ["acme", "northern_lights_2"])
def test_what_is_written_keeps_the_contract_and_the_style(tmp_path, name):
    place = tmp_path / "new"
    start(name, str(place))
    tried = run("-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", cwd=place)
    assert re.search(r"^\d\d passed, 1 skipped", tried.stdout, re.MULTILINE), tried.stdout
    for check in (["check"], ["format", "--check"]):
        assert run("-m", "ruff", *check, "--no-cache", ".", cwd=place).returncode == 0


def test_its_test_fails_when_the_connector_is_spoilt(acme):
    connector = acme / "portal_acme" / "connector.py"
    connector.write_text(connector.read_text("utf-8").replace(", accept=[409]", ""), "utf-8")
    assert "[a-conflict-is-read-again-stock]" in run("-m", "pytest", cwd=acme).stdout


@pytest.mark.parametrize("name", ["Acme", "2go", "acme-shop", "acme__shop", "a b", "class", ""])
def test_a_name_that_makes_no_package_is_refused(tmp_path, name):
    with pytest.raises(CommandError, match="cannot name a connector: it becomes a Python package"):
        start(name, str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_name_that_is_taken_is_refused(tmp_path, monkeypatch):
    with pytest.raises(CommandError, match="A plugin demoshop is installed already"):
        start("demoshop", str(tmp_path / "new"))
    (tmp_path / "portal_other.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(CommandError, match="already called portal_other"):
        start("other", str(tmp_path / "new"))


def test_nothing_is_written_over(acme):
    before = texts(acme)
    with pytest.raises(CommandError, match="exists already. Name a directory that does not"):
        start("fresh", str(acme))
    assert texts(acme) == before


def test_the_page_for_authors_shows_the_example():
    page = PAGE.read_text("utf-8")
    shown = re.findall(r"\{literalinclude\} (\S+)", page)
    assert len(shown) == 4
    assert all((PAGE.parent / each).resolve().is_relative_to(EXAMPLE) for each in shown)
    assert all((PAGE.parent / each).is_file() for each in shown)
