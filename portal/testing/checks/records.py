"""What is read: whole, the same each time, robust against what one object lacks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from unittest.mock import patch

from portal.sdk.money import Money
from portal.sdk.records import KINDS, Record
from portal.testing.bench import Bench, attempt, founds, records, told
from portal.testing.registry import Broken, check, pulled
from portal.testing.victim import Path, Victim, at, facts, nodes, paired, replace_leaves, spelled

ELSEWHERE = timezone(timedelta(hours=5, minutes=30))


@check(
    "A record is of its own kind, frozen, survives JSON, and carries the remote's own words (`raw`).",
    over=pulled,
)
def records_are_whole(bench: Bench, kind: str) -> None:
    for found in founds(bench.pages(kind)):
        record = found.record
        if type(record) is not KINDS[kind]:
            raise Broken(
                f"pull_{kind} gave a {type(record).__name__}. Give {KINDS[kind].__name__} of portal.sdk."
            )
        if type(record).model_validate_json(record.model_dump_json()) != record:
            raise Broken(f"{kind} {record.external_id} is another one after a way through JSON.")
        if not found.raw:
            raise Broken(
                f"{kind} {record.external_id} comes without the remote's own words. Use read_each, or Found(record, raw): "
                "mapping and people need them."
            )
        try:
            json.dumps(found.raw, default=_decimal)
        except TypeError as error:
            raise Broken(
                f"The raw of {kind} {record.external_id} is not JSON ({error}). Keep what came in."
            ) from error


@check(
    "The same answers give the same records, versions and cursors: a version is the remote's, not our clock's.",
    over=pulled,
)
def the_same_answers_read_the_same(bench: Bench, kind: str) -> None:
    once, again = bench.pages(kind), bench.pages(kind)
    for before, after in paired(records(once), records(again)):
        for (path, value), (_, other) in zip(facts(before), facts(after), strict=False):
            if value != other:
                raise Broken(
                    f"{kind} {before.external_id} has another {spelled(path)} when it is read again unchanged: {value}, "
                    f"then {other}. Take it from the remote's answer, never from a clock or a counter of ours."
                )
    if [page.cursor for page in once] != [page.cursor for page in again]:
        raise Broken(
            f"pull_{kind} gives another cursor for the same answers ({once[-1].cursor!r}, then {again[-1].cursor!r}). "
            "Take it from what was read: the clock of this machine is not the remote's."
        )


@check("Moments are those of the remote, whatever time zone the portal's machine is in.", over=pulled)
def moments_do_not_depend_on_the_machine(bench: Bench, kind: str) -> None:
    if not hasattr(time, "tzset"):
        return
    with _time_zone("UTC0"):
        here = records(bench.pages(kind))
    with _time_zone("XYZ-13"):
        there = records(bench.pages(kind))
    for one, other in paired(here, there):
        _same_moments(
            kind, one, other, "on a machine in another time zone",
            "Give the parsed moment its zone (UTC, or the shop's) instead of letting the machine guess.",
        )  # fmt: skip


@check("A moment written with another offset is the same moment.", over=pulled)
def offsets_are_understood(bench: Bench, kind: str) -> None:
    victim = Victim(bench, kind)
    page = victim.read(lambda raw: replace_leaves(raw, _elsewhere))
    for one, other in paired(victim.own, victim.again(page)):
        _same_moments(
            kind, one, other, "when the remote writes the same moment with the offset +05:30",
            "Parse it with its offset (datetime.fromisoformat), instead of cutting the offset off.",
        )  # fmt: skip


@check("Fields that the remote adds one day are ignored.", over=pulled)
def unknown_fields_are_ignored(bench: Bench, kind: str) -> None:
    victim = Victim(bench, kind)

    def extend(raw: dict[str, Any]) -> None:
        for _, node in list(nodes(raw)):
            if isinstance(node, dict):
                node["contract_added"] = {"since": "yesterday", "list": [1, None]}

    page = attempt(
        lambda: victim.read(extend),
        f"pull_{kind}, meeting a field it does not know,",
        "Read only what you need.",
    )
    if page.rejected:
        raise Broken(
            f"pull_{kind} sets an object aside because of a field it does not know ({page.rejected[0].reason}). "
            "Remotes add fields at any time; read only what you need."
        )
    if victim.again(page) != victim.own:
        raise Broken(
            f"pull_{kind} reads another record when the remote adds a field. Read only what you need."
        )


@check(
    "An object that lacks a field is set aside with its reason; its neighbours pass, and nothing is made up.",
    over=pulled,
)
def a_missing_field_sets_one_object_aside(bench: Bench, kind: str) -> None:
    victim = Victim(bench, kind)
    fields = {spelled(path): path for path in _fields(victim.raw)}
    waived = bench.contract.waived_fields(f"a-missing-field-sets-one-object-aside-{kind}")
    if unknown := sorted(waived - set(fields)):
        raise Broken(f"waive names the field {unknown[0]!r} of {kind}, which the first object does not have.")
    for name, path in fields.items():
        for state in ("missing", "null") if name not in waived else ():
            where = f"pull_{kind}, with “{spelled(path)}” {state} in one object,"
            _read_without(victim, path, state, where)


def _read_without(victim: Victim, path: Path, state: str, where: str) -> None:
    def spoil(raw: dict[str, Any]) -> None:
        if state == "missing":
            del at(raw, path[:-1])[path[-1]]
        else:
            at(raw, path[:-1])[path[-1]] = None

    try:
        page = victim.read(spoil)
    except Broken:
        raise
    except Exception as error:
        raise Broken(
            f"{where} raised {told(error)}, and the whole page is lost. Read objects with read_each, which sets "
            "the bad one aside."
        ) from error
    if lost := victim.others - {record.external_id for record in records([page])}:
        raise Broken(f"{where} lost its neighbours {', '.join(sorted(lost))}. Read objects with read_each.")
    again = victim.again(page)
    if not again and not page.rejected:
        raise Broken(
            f"{where} let it vanish. Set it aside as Rejected (read_each does), so that people see it."
        )
    known = {record.external_id: record for record in victim.own}
    for after in again:
        if after.external_id not in known:
            raise Broken(
                f"{where} gave it the id {after.external_id!r}. An object without its id is to be set aside."
            )
        _nothing_made_up(known[after.external_id], after, where)


def _nothing_made_up(before: Record, after: Record, where: str) -> None:
    were = dict(facts(before))
    for path, value in facts(after):
        known = were.get(path, value)
        if isinstance(value, str) and "None" in value and value != known:
            raise Broken(
                f'{where} made {spelled(path)} {value!r}, which is Python\'s word for nothing. Read raw["…"] as it is '
                "instead of putting it through str() or an f-string."
            )
        if isinstance(known, (Money, Decimal, int, datetime)) and value is not None and value != known:
            raise Broken(
                f"{where} made up {spelled(path)}: {value} instead of {known}. What is not there is not zero, not "
                'now and not one: read raw["…"], so that the object is set aside.'
            )
    if getattr(before, "lines", None) and not getattr(after, "lines", None) and before.kind != "refund":
        raise Broken(f'{where} gave it no lines at all. Read raw["…"], so that the object is set aside.')


def _fields(raw: dict[str, Any]) -> Iterator[Path]:
    """The object's fields, and those of the objects directly within it (of a list, the first)."""
    for name, value in raw.items():
        yield (name,)
        if isinstance(value, dict):
            yield from ((name, inner) for inner in value)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            yield from ((name, 0, inner) for inner in value[0])


def _same_moments(kind: str, one: Record, other: Record, when: str, do: str) -> None:
    others = dict(facts(other))
    for path, value in facts(one):
        if isinstance(value, datetime) and others.get(path, value) != value:
            raise Broken(
                f"{kind} {one.external_id} has another {spelled(path)} {when}: {value.isoformat()}, then "
                f"{others[path].isoformat()}. {do}"
            )


def _elsewhere(leaf: Any) -> Any:
    if not isinstance(leaf, str) or len(leaf) < 19:
        return leaf
    try:
        moment = datetime.fromisoformat(leaf)
    except ValueError:
        return leaf
    return moment.astimezone(ELSEWHERE).isoformat() if moment.tzinfo else leaf


def _decimal(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} {value!r}")


@contextmanager
def _time_zone(name: str) -> Iterator[None]:
    try:
        with patch.dict(os.environ, {"TZ": name}):
            time.tzset()
            yield
    finally:
        time.tzset()
