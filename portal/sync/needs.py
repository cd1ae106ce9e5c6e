"""Which ids of the source an operation needs in the target's words, resolved for a whole chunk at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.connections.models import Connection
from portal.connections.selectors import ids_at, records_of
from portal.records.selectors import products_of
from portal.sync.models import Operation

Key = tuple[str, str]
"""(kind, id at the source; for products the SKU)."""


def needs(kind: str, data: Mapping[str, Any]) -> set[Key]:
    """What must be tied before this record can be sent."""
    if kind == "order":
        if data["state"] == "cancelled":
            return set()
        return {("product", line["sku"]) for line in data["lines"]} | {("location", data["location"])}
    if kind == "refund":
        wanted = {("order", data["order_id"])}
        for line in data["lines"]:
            if line["restock_to"]:
                wanted |= {("product", line["sku"]), ("location", line["restock_to"])}
        return wanted
    if kind == "stock":
        return {("product", data["sku"]), ("location", data["location_id"])}
    if kind == "shipment":
        return {("order", data["order_id"])}
    return set()


def resolve(operations: Sequence[Operation]) -> dict[int, dict[Key, str]]:
    """For each operation of one target: the ties found among what it needs. A constant number of queries
    for each source."""
    by_source: dict[Connection, list[Operation]] = {}
    for operation in operations:
        by_source.setdefault(operation.flow.source, []).append(operation)
    found: dict[int, dict[Key, str]] = {}
    for source, group in by_source.items():
        wanted = {operation.pk: needs(operation.kind, operation.payload) for operation in group}
        ties = _ties(source, group[0].connection, set().union(*wanted.values()))
        for pk, keys in wanted.items():
            found[pk] = {key: ties[key] for key in keys if key in ties}
    return found


def missing(operation: Operation, ties: Mapping[Key, str]) -> Key | None:
    """The first thing that is not tied yet, in a stable order."""
    absent = sorted(needs(operation.kind, operation.payload) - ties.keys())
    return absent[0] if absent else None


def lacking(operations: Sequence[Operation]) -> dict[int, Key | None]:
    """By primary key: the first thing that each lacks now, or None. They may have several targets."""
    by_target: dict[int, list[Operation]] = {}
    for operation in operations:
        by_target.setdefault(operation.connection_id, []).append(operation)
    found: dict[int, Key | None] = {}
    for group in by_target.values():
        ties = resolve(group)
        found |= {operation.pk: missing(operation, ties[operation.pk]) for operation in group}
    return found


def lack(operation: Operation, key: Key) -> str:
    """The sentence that stands on an operation held for ``key``."""
    kind, name = key
    return f"The {kind} {name!r} is not tied to anything in {operation.connection}."


def remote_ids(operations: Sequence[Operation]) -> dict[tuple[str, int], str]:
    """The target's ids of the records themselves, by (kind, record id), where they are there already."""
    if not operations:
        return {}
    return ids_at(
        operations[0].connection,
        {operation.kind for operation in operations},
        {operation.record_id for operation in operations},
    )


def _ties(source: Connection, target: Connection, keys: set[Key]) -> dict[Key, str]:
    named: dict[str, set[str]] = {"product": set(), "location": set(), "order": set()}
    for kind, name in keys:
        named[kind].add(name)
    records: dict[Key, int] = {("product", sku): pk for sku, pk in products_of(named["product"]).items()}
    for kind in ("location", "order"):
        for name, record in records_of(source, kind, named[kind]).items():
            records[kind, name] = record
    there = ids_at(target, named, set(records.values()))
    return {key: there[key[0], record] for key, record in records.items() if (key[0], record) in there}
