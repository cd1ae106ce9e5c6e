"""What is pushed: once, under its own key, found again after a lost answer."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

from portal.sdk.connector import Change, Connector, Promise, Receipt
from portal.sdk.errors import OutcomeUnknown, SkipRecord
from portal.testing.bench import Bench, attempt, told
from portal.testing.push import KEY, Push
from portal.testing.registry import Broken, check, found, pushed
from portal.testing.script import Request
from portal.testing.victim import nodes

OTHER_KEY = "contract-2"
FINDABLE = (Promise.IDEMPOTENCY_KEY, Promise.UNIQUE_REFERENCE, Promise.SEARCHABLE)
Atom = tuple[str, str]


def _keyed(connector: type[Connector]) -> Iterable[str]:
    return [k for k in pushed(connector) if connector.promises.get(k) is Promise.IDEMPOTENCY_KEY]


def _findable(connector: type[Connector]) -> Iterable[str]:
    return [k for k in found(connector) if connector.promises.get(k) in FINDABLE]


@check(
    "`push_*` sends the change and returns a `Receipt` with the id that the remote knows it by.", over=pushed
)
def a_push_gives_a_receipt(bench: Bench, kind: str) -> None:
    change = bench.push(kind).change()
    receipt = attempt(
        lambda: bench.send(kind, change), f"push_{kind}", "These are the remote's good answers."
    )
    if not isinstance(receipt, Receipt):
        raise Broken(f"push_{kind} returned {type(receipt).__name__}. Return a Receipt with the remote's id.")
    if not isinstance(receipt.remote_id, str) or not receipt.remote_id:
        raise Broken(f"push_{kind} returned a Receipt without the remote's id. The next change needs it.")
    if not bench.remote.writes:
        raise Broken(f"push_{kind} returned a Receipt, but sent nothing that writes.")


@check("What is not tied to the target is set aside as `SkipRecord` before anything is sent.", over=pushed)
def a_missing_tie_is_set_aside(bench: Bench, kind: str) -> None:
    push = bench.push(kind)
    for tie in push.refs:
        where = f"push_{kind} without the tie of the {tie[0]} {tie[1]!r}"
        bench.remote.requests.clear()
        try:
            bench.send(
                kind,
                replace(push, refs={each: push.refs[each] for each in push.refs if each != tie}).change(),
            )
        except SkipRecord:
            pass
        except Exception as error:
            raise Broken(
                f"{where} raised {told(error)}. Translate ids with change.ref(), which raises SkipRecord."
            ) from error
        else:
            raise Broken(
                f"{where} sent ids of the source as they are. Translate them with change.ref(), or leave out of the "
                "example's refs what is not needed."
            )
        if bench.remote.writes:
            raise Broken(
                f"{where} sent {bench.remote.writes[0]} before it noticed. Translate every id first."
            )


@check("Class A: a repeat carries the same idempotency key, another change another one.", over=_keyed)
def the_same_key_is_sent_again(bench: Bench, kind: str) -> None:
    first, repeat = (_atoms(bench, kind, key) for key in (KEY, KEY))
    other = _atoms(bench, kind, OTHER_KEY)
    if not (first & repeat) - other:
        missing = not any(KEY in value for _, value in first)
        why = "sends nothing of change.key" if missing else "does not send the same key again"
        raise Broken(
            f"push_{kind} promises an idempotency key but {why}, so a repeat is done twice. Send change.key, or what "
            "is computed from it alone: never a new UUID, never a time."
        )


@check("Class A, B, C: `find_*` says None for what is not there.", over=_findable)
def what_is_not_there_is_not_found(bench: Bench, kind: str) -> None:
    change = bench.push(kind).change()
    answer = attempt(
        lambda: bench.find(kind, change),
        f"find_{kind} of a change that never arrived",
        "Return None, so that it is pushed again (catch NotFound).",
    )
    if answer is not None:
        raise Broken(
            f"find_{kind} found {answer!r}, although the change never arrived: it would be lost. Look for what this change "
            "alone has, its key or reference, and compare it."
        )


@check(
    "Class A, B, C: `find_*` finds what was pushed, under the same remote id, and nobody else's.",
    over=_findable,
)
def what_was_pushed_is_found(bench: Bench, kind: str) -> None:
    push = bench.push(kind)
    if not push.done:
        raise Broken(
            f"The example for push_{kind} does not say what the remote answers once it is done. Give it "
            'as Push(…, done={"GET /…": …}).'
        )
    sent = bench.send(kind, push.change())
    bench.remote.answer_also(push.done)
    writes = len(bench.remote.writes)
    there = bench.find(kind, push.change())
    if not isinstance(there, Receipt):
        raise Broken(
            f"find_{kind} does not find what push_{kind} did: it returned {there!r}, and the change would be sent twice."
        )
    if there.remote_id != sent.remote_id:
        raise Broken(
            f"find_{kind} found {there.remote_id!r}, push_{kind} had said {sent.remote_id!r}. Give the same id."
        )
    if len(bench.remote.writes) > writes:
        raise Broken(
            f"find_{kind} sent {bench.remote.writes[-1]}. It may only look, or name the route in reads."
        )
    _finds_its_own_only(bench, kind)


@check("Several pushes at once do not mix: `push_*` is called from several threads.", over=pushed)
def pushes_at_once_do_not_mix(bench: Bench, kind: str) -> None:
    push = bench.push(kind)
    keys = [f"contract-{number}" for number in range(1, 7)]
    alone = [_bodies(bench, lambda key=key: bench.send(kind, push.change(key=key))) for key in keys]
    if any(_bodies(bench, lambda: bench.send(kind, push.change(key=KEY))) != alone[0] for _ in range(2)):
        return  # it says something new each time, so there is nothing to compare
    connector = bench.connect()
    with ThreadPoolExecutor(len(keys)) as pool:
        call = getattr(connector, f"push_{kind}")
        together = _bodies(bench, lambda: list(pool.map(lambda key: call(push.change(key=key)), keys)))
    if sorted(together) != sorted(line for lines in alone for line in lines):
        raise Broken(
            f"push_{kind} called from several threads sends other things than one by one. Keep nothing about a change "
            "on the connector (self.…); pass it along."
        )


def _finds_its_own_only(bench: Bench, kind: str) -> None:
    """Asked for another change, the same answers must not be taken for that one's own."""
    keyed = bench.connector.promises.get(kind) is Promise.IDEMPOTENCY_KEY
    changes = bench.push(kind).change(), _another(bench.push(kind), by_key=keyed)
    asked = []
    for change in changes:
        bench.remote.requests.clear()
        with suppress(Exception):  # the script need not know the other one; what was asked is enough
            bench.find(kind, change)
        asked.append(_lines(bench.remote.requests))
    if asked[0] == asked[1] and not _tells_apart(bench, kind, changes[1]):
        what, look = (
            ("the key", "change.key") if keyed else ("the record's id", "the record's external_id or number")
        )
        raise Broken(
            f"find_{kind} takes what another change did for its own: it asks and answers the same whatever {what} is. "
            f"Look for {look}."
        )


def _another(push: Push, *, by_key: bool) -> Change[Any]:
    """A change that was never sent: of the same record under another key, or of another record."""
    if by_key:
        return push.change(key=OTHER_KEY)
    other = {name: OTHER_KEY for name in ("external_id", "number") if hasattr(push.record, name)}
    return push.change(key=OTHER_KEY, **other)


def _tells_apart(bench: Bench, kind: str, another: Change[Any]) -> bool:
    """Whether the change that was never sent is not found in the same answers."""
    with suppress(OutcomeUnknown):
        return bench.find(kind, another) is None
    return True


def _atoms(bench: Bench, kind: str, key: str) -> set[Atom]:
    """The single values that the writes of one push held, each with its place."""
    bench.remote.requests.clear()
    bench.send(kind, bench.push(kind).change(key=key))
    return {atom for request in bench.remote.writes for atom in atoms(request)}


def atoms(request: Request) -> set[Atom]:
    given = {("path", request.path), *request.query.items(), *request.headers.items()}
    body = {(".".join(map(str, path)), str(leaf)) for path, leaf in nodes(request.json) if leaf is not None}
    return (
        given
        | body
        | ({("body", request.body.decode("utf-8", "replace"))} if request.json is None else set())
    )


def _bodies(bench: Bench, call: Any) -> list[str]:
    bench.remote.requests.clear()
    call()
    return _lines(bench.remote.writes)


def _lines(requests: list[Request]) -> list[str]:
    ours = ("authorization", "date", "host", "user-agent", "content-length")
    return [
        f"{request} {sorted((k, v) for k, v in request.headers.items() if k not in ours)} {request.body!r}"
        for request in requests
    ]
