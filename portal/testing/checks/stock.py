"""Levels of stock: said absolutely, and written only over the figure we believe is there."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from portal.sdk.connector import Connector, Promise
from portal.sdk.errors import ReadAgain
from portal.testing.bench import Bench, told
from portal.testing.checks.writing import atoms
from portal.testing.registry import Broken, check
from portal.testing.victim import number


def _absolute(connector: type[Connector]) -> Iterable[str]:
    holds = hasattr(connector, "push_stock") and connector.promises.get("stock") is Promise.ABSOLUTE
    return ["stock"] if holds else []


@check("Class D: the level itself is sent, not a difference, so that a repeat does no harm.", over=_absolute)
def stock_is_said_absolutely(bench: Bench, _: str) -> None:
    beside: set[Decimal] | None = None
    for available, expected in [(731, 1), (731, 500), (0, 3), (4, None)]:
        figures, met = _written(bench, available, expected)
        # Some remotes want what is on hand: the level and what is promised besides, the same each time. The
        # difference to what is there is the same each time too where the connector reads the script's one figure.
        more = {figure - available for figure in figures} - {-met or None}
        beside = more if beside is None else beside & more
        if not beside:
            raise Broken(
                f"push_stock of {available} available (expected {expected}) sends {_list(figures)}, not {available}. Send the "
                "level itself; a difference sent twice counts twice."
            )


@check("Class D: where the remote compares, the figure we expect is sent with the level.", over=_absolute)
def stock_is_compared(bench: Bench, _: str) -> None:
    if not bench.push("stock").conflict:
        raise Broken(
            "The example for push_stock does not say what the remote answers when its figure is another than expected. Give "
            'it as Push(…, conflict={"PUT /…": Reply(409, …)}, current="4"), or waive this check if the remote cannot '
            "compare: then sales between reading and writing are overwritten."
        )
    figures, met = _written(bench, 731, 519)
    if met not in figures:
        raise Broken(
            "push_stock does not send record.expected, so the remote cannot notice a sale in between. Send it."
        )


@check(
    "Class D: a conflict is `ReadAgain` with the remote's figure, and nothing is written over it.",
    over=_absolute,
)
def a_conflict_is_read_again(bench: Bench, _: str) -> None:
    push = bench.push("stock")
    if not push.conflict:
        return
    bench.remote.answer_also(push.conflict)
    try:
        bench.send("stock", push.change())
    except ReadAgain as error:
        if error.current != push.current:
            raise Broken(
                f"push_stock met a conflict and raised ReadAgain(current={error.current!r}); the remote shows "
                f"{push.current!r}. Pass its figure on as text: the next attempt is computed from it."
            ) from error
    except Exception as error:
        raise Broken(
            f"push_stock met a conflict and raised {told(error)}. Accept the status (accept=[409]) and raise "
            "ReadAgain(current=…) with the remote's figure."
        ) from error
    else:
        raise Broken("push_stock met a conflict and went on. Raise ReadAgain with the remote's figure.")
    if len(bench.remote.writes) > 1:
        raise Broken(
            "push_stock met a conflict and wrote again over it. Raise ReadAgain; the portal decides."
        )


def _written(bench: Bench, available: int, expected: int | None) -> tuple[set[Decimal], Decimal]:
    """Every number that the writes of one push held, and the figure that the push expected (0: none).

    A connector may look before it writes, and the script shows it one figure whatever is expected. It then
    says `ReadAgain` with that figure, and is asked again with it.
    """
    level: dict[str, Any] = {"available": Decimal(available), "expected": expected and Decimal(expected)}
    bench.remote.requests.clear()
    try:
        bench.send("stock", bench.push("stock").change(**level))
    except ReadAgain as error:
        level["expected"] = _looked_up(bench, expected, error)
        bench.send("stock", bench.push("stock").change(**level))
    sent = {
        value
        for request in bench.remote.writes
        for place, value in atoms(request)
        if place != "content-length"
    }
    figures = {figure for value in sent if (figure := number(value)) is not None}
    return figures, level["expected"] or Decimal(0)


def _looked_up(bench: Bench, expected: int | None, error: ReadAgain) -> Decimal:
    """The figure that a connector saw before it wrote. Raises ``Broken`` where that cannot be."""
    current = number(error.current)
    if bench.remote.writes or expected is None or current is None or current == expected:
        raise Broken(
            f"push_stock, expecting {expected}, raised {told(error)} with current={error.current!r} after "
            f"{len(bench.remote.writes)} writes. These are the remote's good answers: raise ReadAgain before anything is "
            "written, with the figure that was read, and only if it is not the expected one."
        ) from error
    return current


def _list(figures: set[Decimal]) -> str:
    return ", ".join(str(figure) for figure in sorted(figures)) or "no number"
