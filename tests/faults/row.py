"""What a row of the table is, and finding them all.

A row is one function in a file of its own in ``rows/``; the file's name is the row's name, and a new file is
found by itself. The function is called in a fresh process on a fresh, migrated database of its stack, with
Django set up, and may do whatever it likes to that process, its database and its servers: they are its own.

    @row("Redis is emptied", goal="3 times: 0 missing, 0 doubled", order=60)
    def flushed(stack: Stack, scale: Scale) -> Figure:
        wanted = scale(3000)  # 300 with --short
        ...
        return Figure(f"{wanted:,} orders: {missing} missing, {doubled} doubled", good=not missing + doubled)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.stack import Stack

ROWS = Path(__file__).parent / "rows"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is done: everything, or with ``--short`` a tenth and at least one."""

    short: bool

    def __call__(self, number: int) -> int:
        return max(1, number // 10) if self.short else number


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, in a few words; ``good`` is None where the stack has nothing to measure.

    ``notes`` are told below the table, each a sentence: the first few things that went wrong.
    """

    text: str
    good: bool | None
    notes: tuple[str, ...] = ()

    @classmethod
    def none(cls, why: str) -> Figure:
        return cls(why, None)

    @property
    def mark(self) -> str:
        return {True: "✓", False: "✗", None: "–"}[self.good]


Measure = Callable[["Stack", Scale], Figure]


@dataclass(frozen=True, slots=True)
class Row:
    """``goal`` is the figure to reach by the whole table; ``--short`` reaches a tenth of its numbers."""

    name: str
    what: str
    goal: str
    order: int
    measure: Measure


_rows: dict[str, Row] = {}


def row(what: str, *, goal: str, order: int = 50) -> Callable[[Measure], Measure]:
    """Register the function as the row of its file."""

    def register(measure: Measure) -> Measure:
        name = measure.__module__.rpartition(".")[2]
        _rows[name] = Row(name, what, goal, order, measure)
        return measure

    return register


def rows() -> dict[str, Row]:
    """Every row by its name, in the order of the table. Django has to be set up."""
    for file in sorted(ROWS.glob("[a-z]*.py")):
        import_module(f"tests.faults.rows.{file.stem}")
    return {each.name: each for each in sorted(_rows.values(), key=lambda each: (each.order, each.name))}
