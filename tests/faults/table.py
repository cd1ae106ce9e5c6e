"""Printing the table, and keeping it in docs/reliability.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.faults.row import Figure, Row
from tests.faults.stack import ROOT

PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- measured: written by ./run faults --write -->", "<!-- /measured -->"


@dataclass(frozen=True)
class Line:
    """A row with its figure, and the seconds it took, on each stack."""

    row: Row
    figures: dict[str, tuple[Figure, float]]

    @property
    def good(self) -> bool:
        return all(figure.good is not False for figure, _ in self.figures.values())


def as_text(line: Line) -> str:
    """A few lines for a terminal."""
    said = [f"\n{line.row.what}  [{line.row.name}]", f"    to reach  {line.row.goal}"]
    for stack, (figure, spent) in line.figures.items():
        said.append(f"    {stack:<9} {figure.mark} {figure.text}  ({spent:.0f} s)")
        if figure.good is False:
            said += [textwrap.indent(note.rstrip(), " " * 14) for note in figure.notes if note.strip()]
    return "\n".join(said)


def write(line: Line, every: Iterable[Row], *, scale: str) -> None:
    """Renew this line of the table in the page; the other rows keep what was measured last. Raises ``ValueError`` when
    the page has no place for it."""
    page = PAGE.read_text("utf-8")
    if BEGIN not in page or END not in page:
        raise ValueError(f"{PAGE} has no place for the table: it is put between {BEGIN} and {END}.")
    before, _, rest = page.partition(BEGIN)
    table, _, after = rest.partition(END)
    known = {each.split(" | ")[0].removeprefix("| "): each for each in table.splitlines()}
    known[line.row.what] = _as_markdown(line, scale)
    stacks = " | ".join(line.figures)
    head = ["", f"| what | figure to reach | {stacks} | measured |", f"|{'---|' * (len(line.figures) + 3)}"]
    kept = [known[each.what] for each in every if each.what in known]
    PAGE.write_text("\n".join([f"{before}{BEGIN}", *head, *kept, f"{END}{after}"]), "utf-8")


def _as_markdown(line: Line, scale: str) -> str:
    figures = [f"{figure.mark} {figure.text}" for figure, _ in line.figures.values()]
    measured = f"{datetime.now(UTC):%Y-%m-%d}, {'a tenth' if scale == 'short' else 'whole'}"
    return f"| {' | '.join([line.row.what, line.row.goal, *figures, measured])} |"
