"""The checks of the contract: small named functions, each with its rule in one line.

A check's name is its function's name with hyphens. It runs once for each of its subjects: the kinds of
record that the connector pulls, pushes … or the connector as a whole. It raises :class:`Broken` with a
sentence for the author.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

from portal.sdk.connector import Connector
from portal.sdk.records import KINDS

if TYPE_CHECKING:
    from portal.testing.bench import Bench

Subjects = Callable[[type[Connector]], Iterable[str]]
Run = Callable[["Bench", str], None]

ROOMS = ("declared", "life", "paging", "records", "money", "words", "fetching", "trouble", "writing", "stock",
         "hearing", "spans", "secrets")  # fmt: skip


class Broken(AssertionError):
    """The contract is broken: what is wrong, where, and what to do."""


@dataclass(frozen=True)
class Check:
    name: str
    rule: str
    room: str
    subjects: Subjects
    run: Run


_checks: dict[str, Check] = {}


def check(rule: str, *, over: Subjects) -> Callable[[Run], Run]:
    """Register the function as a check; ``rule`` says what is checked and why, in one line."""

    def register(run: Run) -> Run:
        name = run.__name__.replace("_", "-")
        _checks[name] = Check(name, rule, run.__module__.rpartition(".")[2], over, run)
        return run

    return register


def checks() -> dict[str, Check]:
    """Every check by its name, in the order of the rooms."""
    for room in ROOMS:
        import_module(f"portal.testing.checks.{room}")
    return _checks


def case_names(connector: type[Connector], check_name: str) -> list[str]:
    """The names of the cases that the check makes for the connector, as ``waive`` and ``pytest -k`` know them."""
    found = checks()[check_name]
    return [f"{check_name}-{subject}" if subject else check_name for subject in found.subjects(connector)]


def whole(_: type[Connector]) -> list[str]:
    return [""]


def pulled(connector: type[Connector]) -> list[str]:
    return [kind for kind in KINDS if hasattr(connector, f"pull_{kind}")]


def fetched(connector: type[Connector]) -> list[str]:
    return [kind for kind in KINDS if hasattr(connector, f"fetch_{kind}")]


def counted(connector: type[Connector]) -> list[str]:
    return [kind for kind in KINDS if hasattr(connector, f"count_{kind}")]


def spanned(connector: type[Connector]) -> list[str]:
    return [kind for kind in KINDS if hasattr(connector, f"read_{kind}")]


def pushed(connector: type[Connector]) -> list[str]:
    return [kind for kind in KINDS if hasattr(connector, f"push_{kind}")]


def found(connector: type[Connector]) -> list[str]:
    return [kind for kind in pushed(connector) if hasattr(connector, f"find_{kind}")]


def hearing(connector: type[Connector]) -> list[str]:
    return [""] if hasattr(connector, "hear") else []


def asking(connector: type[Connector]) -> list[str]:
    return [""] if hasattr(connector, "subscribe_topics") else []


def knowing(connector: type[Connector]) -> list[str]:
    return [""] if hasattr(connector, "subscribed") else []
