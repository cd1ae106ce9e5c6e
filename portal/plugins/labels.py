"""What Django will call an app, read from the text of its `apps.py`: no part of the app is imported."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def apps_file(module: str) -> Path | None:
    """The `apps.py` of the package `module`; None when it ships none and so is no Django app."""
    top, *below = module.split(".")
    # For a dotted name `find_spec` would import the parents, so only the first part is asked of it.
    spec = find_spec(top)
    places = spec.submodule_search_locations if spec else None
    files = (Path(place, *below, "apps.py") for place in places or ())
    return next((file for file in files if file.is_file()), None)


def app_label(module: str) -> str:
    """The label of the Django app `module`. One that is computed when it is imported is not seen here; the
    preflight finds it."""
    said = _config(apps_file(module))
    return str(said.get("label") or said.get("name") or module).rpartition(".")[2]


def _config(file: Path | None) -> dict[str, Any]:
    """The constants in the class that Django would take: the only one, or the one marked as default."""
    try:
        tree = ast.parse(file.read_bytes() if file else b"")
    except SyntaxError:
        return {}
    configs = [
        _constants(node)
        for node in tree.body
        if isinstance(node, ast.ClassDef) and any("Config" in ast.unparse(base) for base in node.bases)
    ]
    if len(configs) == 1:
        return configs[0]
    return next((config for config in configs if config.get("default") is True), {})


def _constants(node: ast.ClassDef) -> dict[str, Any]:
    return {
        target.id: statement.value.value
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
