"""Which ids of the source an operation needs in the target's words, resolved for a whole chunk at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from portal.connections.models import Connection, Reference
from portal.records.models import Product
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


def remote_ids(operations: Sequence[Operation]) -> dict[tuple[str, int], str]:
    """The target's ids of the records themselves, by (kind, record id), where they are there already."""
    if not operations:
        return {}
    found = Reference.objects.filter(
        connection=operations[0].connection,
        state=Reference.State.CONFIRMED,
        kind__in={operation.kind for operation in operations},
        record_id__in={operation.record_id for operation in operations},
    )
    return {
        (kind, record): there for kind, record, there in found.values_list("kind", "record_id", "external_id")
    }  # type: ignore[misc]


def _ties(source: Connection, target: Connection, keys: set[Key]) -> dict[Key, str]:
    records: dict[Key, int] = {
        ("product", sku): pk
        for sku, pk in Product.objects.filter(
            sku__in=[name for kind, name in keys if kind == "product"]
        ).values_list("sku", "pk")
    }
    confirmed = Reference.objects.filter(state=Reference.State.CONFIRMED, record_id__isnull=False)
    for kind, name, record in confirmed.filter(
        connection=source,
        kind__in=["location", "order"],
        external_id__in=[name for kind, name in keys if kind != "product"],
    ).values_list("kind", "external_id", "record_id"):
        records[kind, name] = record  # type: ignore[assignment]
    there = {
        (kind, record): external_id
        for kind, record, external_id in confirmed.filter(
            connection=target,
            kind__in={kind for kind, _ in records},
            record_id__in=set(records.values()),
        ).values_list("kind", "record_id", "external_id")
    }
    return {key: there[key[0], record] for key, record in records.items() if (key[0], record) in there}
