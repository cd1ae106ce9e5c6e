"""What the contract found out about a connector, in a file that travels in its package.

The report names every case with its outcome and is bound to the source by a digest, so that a changed connector
is not rated until it is tried again. It is the author's word for one source; who wants proof tries the same
source with the author's tests, and compares.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path

from portal.sdk import __version__
from portal.sdk.connector import Connector
from portal.testing.scale import Outcomes, Rating, rate

GROUP = "portal.plugins"
HOW = "Its author rates it with “pytest --certify” and ships the report."


class NotRated(LookupError):
    """There is no report that holds for the connector as it is. The message is a sentence."""


def home(connector: type[Connector]) -> Path:
    """The directory of the package that the connector came in: its plugin's. Raises ``NotRated``."""
    module = connector.__module__
    plugins = [point.module for point in entry_points(group=GROUP)]
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    package = next((name for name in names if name in plugins and _is_package(name)), parts[0])
    init = Path(getattr(sys.modules.get(package), "__file__", None) or "")
    if init.name != "__init__.py":
        raise NotRated(f"{connector.title} is in no package of its own, which could hold a report.")
    return init.parent


def _is_package(name: str) -> bool:
    """An entry point may also name a module within the package."""
    return hasattr(sys.modules.get(name), "__path__")


def report_file(connector: type[Connector]) -> Path:
    """Where the connector's report is, or would be. Raises ``NotRated``."""
    return home(connector) / f"contract-{connector.key}.json"


def source_digest(directory: Path) -> str:
    """Of every Python file in the package: its place and its bytes."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*.py")):
        digest.update(f"{path.relative_to(directory).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"sha256:{digest.hexdigest()}"


def report_text(connector: type[Connector], outcomes: Outcomes) -> str:
    report = {
        "connector": connector.key,
        "portal": __version__,
        "source": source_digest(home(connector)),
        "cases": dict(outcomes),
    }
    return json.dumps(report, indent=1, ensure_ascii=False) + "\n"


def write(connector: type[Connector], outcomes: Outcomes) -> Path:
    """Write the report. Raises ``NotRated`` where the connector is in no package."""
    path = report_file(connector)
    path.write_text(report_text(connector, outcomes), "utf-8")
    return path


def outcomes_of(connector: type[Connector]) -> Outcomes:
    """What the report says. Raises ``NotRated`` when there is none for this connector as it is now."""
    path = report_file(connector)
    try:
        report = json.loads(path.read_text("utf-8"))
        cases, source = report["cases"], report["source"]
    except FileNotFoundError:
        raise NotRated(f"{connector.title} comes without a report of the contract. {HOW}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise NotRated(f"The report {path.name} of {connector.title} cannot be read. {HOW}") from error
    if not isinstance(cases, Mapping) or not all(isinstance(each, str) for each in cases.values()):
        raise NotRated(f"The report {path.name} of {connector.title} cannot be read. {HOW}")
    if source != source_digest(path.parent):
        raise NotRated(f"{connector.title} was changed since its report was written. {HOW}")
    return cases


def rating(connector: type[Connector]) -> Rating:
    """The rating that the package's own report proves. Raises ``NotRated``."""
    return rate(connector, outcomes_of(connector))
