"""Objects read by their ids, as hints lead to them."""

from __future__ import annotations

from portal.testing.bench import Bench, attempt, records
from portal.testing.registry import Broken, check, fetched


@check("`fetch_*` gives the objects asked for, as a webhook's hint leads to them.", over=fetched)
def what_is_asked_for_comes(bench: Bench, kind: str) -> None:
    wanted = next(iter(bench.expected(kind)), None)
    if wanted is None:
        raise Broken(f"expect names no id of {kind!r}, so fetch_{kind} cannot be tried. Name one.")
    page = attempt(
        lambda: bench.fetch(kind, [wanted]),
        f"fetch_{kind}([{wanted!r}])",
        "It is there.",
    )
    got = [record.external_id for record in records([page])]
    if got != [wanted]:
        raise Broken(f"fetch_{kind}([{wanted!r}]) gave {got}. Give exactly the objects asked for.")
    if (empty := bench.fetch(kind, [])).found:
        raise Broken(f"fetch_{kind}([]) gave {len(empty.found)} objects. Nothing was asked for.")


@check(
    "`fetch_*` leaves out what is gone, without an error: the others of the call are still wanted.",
    over=fetched,
)
def what_is_gone_is_left_out(bench: Bench, kind: str) -> None:
    wanted = next(iter(bench.expected(kind)))
    page = attempt(
        lambda: bench.fetch(kind, ["contract-gone", wanted]),
        f"fetch_{kind} of an id that is gone",
        "Leave that one out and give the others (catch NotFound).",
    )
    got = [record.external_id for record in records([page])]
    if "contract-gone" in got or wanted not in got:
        raise Broken(f"fetch_{kind}(['contract-gone', {wanted!r}]) gave {got}. Give those that are there.")
