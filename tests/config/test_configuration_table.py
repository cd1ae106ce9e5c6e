"""docs/configuration.md has one row for each variable that the portal reads, and no other."""

import ast
import re

import pytest
from django.conf import settings

BASE = settings.BASE_DIR
READERS = {"str", "bool", "int", "float", "list", "path", "url", "db_url", "cache_url", "json"}


def variables_read(source: str) -> set[str]:
    """First arguments of `env.str(…)` and its kind, and of the `secret(…)` that wraps it."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.args[0], ast.Constant)
        and (
            (
                isinstance(call.func, ast.Attribute)
                and call.func.attr in READERS
                and ast.unparse(call.func.value) == "env"
            )
            or (isinstance(call.func, ast.Name) and call.func.id == "secret")
        )
    }


def test_every_variable_has_its_row_and_every_row_its_variable():
    read = set().union(*(variables_read(path.read_text()) for path in (BASE / "config").glob("*.py")))
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (BASE / "docs/configuration.md").read_text(), re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert read == set(documented)


def test_the_example_names_variables_that_exist():
    named = re.findall(r"^([A-Z_]+)=", (BASE / ".env.example").read_text(), re.MULTILINE)
    assert named
    assert set(named) <= set(re.findall(r"`([A-Z_]+)`", (BASE / "docs/configuration.md").read_text()))


@pytest.mark.parametrize("room", ["config", "portal", "plugins"])
def test_nothing_reads_the_environment_beside_the_settings(room):
    # A child of the runner, and a server that a test kit starts, inherits the environment; that reads no variable.
    reading = re.compile(r"os\.getenv|os\.environ\.get|os\.environ\[|env\.ENVIRON")
    guilty = [str(path) for path in (BASE / room).rglob("*.py") if reading.search(path.read_text())]
    assert guilty == []
