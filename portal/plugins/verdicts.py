"""What the last preflight found, in a small file that settings can read without a database.

A verdict holds for one plugin of one version under one version of the portal; for any other there is none.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from portal.plugins.discovery import PORTAL, PluginSource

FILE = "plugins.json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says in a sentence why the plugin is quarantined; empty when it passed."""

    distribution: str
    version: str
    reason: str = ""

    def is_about(self, source: PluginSource) -> bool:
        return (self.distribution, self.version) == (source.distribution, source.version)


def read(directory: Path) -> dict[str, Verdict]:
    """Verdicts by the plugin's name; none when the file is missing, torn or of another portal."""
    try:
        kept = json.loads((directory / FILE).read_text(encoding="utf-8"))
        if kept["portal"] != version(PORTAL):
            return {}
        return {name: Verdict(**verdict) for name, verdict in kept["plugins"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}


def write(directory: Path, verdicts: Mapping[str, Verdict]) -> None:
    """Whoever reads meanwhile sees the old file or the new one, whole."""
    kept = {
        "portal": version(PORTAL),
        "plugins": {name: asdict(verdicts[name]) for name in sorted(verdicts)},
    }
    draft = directory / f".{FILE}.{os.getpid()}"
    draft.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    draft.replace(directory / FILE)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Several `serve` start at once on a host: the first examines, the others wait and find it done."""
    with (directory / f".{FILE}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
