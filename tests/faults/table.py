"""Printing the table, and keeping it in docs/reliability.md."""

from __future__ import annotations

import textwrap
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


def write(lines: list[Line], *, scale: str, minutes: float) -> None:
    """Replace the table in the page. Raises ``ValueError`` when the page has no place for it."""
    page = PAGE.read_text("utf-8")
    if BEGIN not in page or END not in page:
        raise ValueError(f"{PAGE} has no place for the table: it is put between {BEGIN} and {END}.")
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(
        f"{before}{BEGIN}\n{_as_markdown(lines, scale, minutes)}{END}{rest.partition(END)[2]}", "utf-8"
    )


def _as_markdown(lines: list[Line], scale: str, minutes: float) -> str:
    stacks = list(lines[0].figures) if lines else []
    numbers = "a tenth of the numbers (`--short`)" if scale == "short" else "the whole"
    said = [
        f"Measured on {datetime.now(UTC):%Y-%m-%d}, {numbers}, in {minutes:.0f} minutes.",
        "",
        f"| what | figure to reach | {' | '.join(stacks)} |",
        f"|{'---|' * (len(stacks) + 2)}",
    ]
    for line in lines:
        figures = [f"{figure.mark} {figure.text}" for figure, _ in line.figures.values()]
        said.append(f"| {line.row.what} | {line.row.goal} | {' | '.join(figures)} |")
    return "\n".join(said) + "\n"
