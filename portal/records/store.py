"""Storing a page of orders, shipments or refunds by set operations: the same few queries for any page."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.connections.models import Connection, Reference
from portal.connections.selectors import records_of
from portal.records import rows
from portal.records.models import Canonical, Order, OrderLine, Refund, Shipment
from portal.records.names import searchable
from portal.records.selectors import products_of
from portal.records.written import Written
from portal.sdk import Order as OrderRecord
from portal.sdk import Refund as RefundRecord
from portal.sdk import Shipment as ShipmentRecord

MODELS: dict[str, type[Canonical]] = {"order": Order, "refund": Refund, "shipment": Shipment}


@dataclass(slots=True)
class Stored:
    """What became of a page: new and changed rows, how many were unchanged, how many older than ours.

    ``awaited`` are the primary keys of new orders that had refunds or shipments before they came.
    """

    new: list[Any] = field(default_factory=list)
    changed: list[Any] = field(default_factory=list)
    awaited: Collection[int] = ()
    unchanged: int = 0
    older: int = 0

    @property
    def touched(self) -> list[Any]:
        return [*self.new, *self.changed]


@dataclass(frozen=True, slots=True)
class Related:
    """Our rows behind the ids that a page's records name."""

    products: Mapping[str, int]
    locations: Mapping[str, int]
    orders: Mapping[str, int]


def store(connection: Connection, kind: str, found: Sequence[Written], now: datetime) -> Stored:
    """Insert what is new, update what is newer and different, skip the rest.

    Runs inside the caller's transaction, which holds the connection's lock: the newest version wins,
    whatever order pages and webhooks arrive in.
    """
    newest: dict[str, Written] = {}
    for item in found:
        held = newest.get(item.record.external_id)
        if held is None or item.record.version >= held.record.version:
            newest[item.record.external_id] = item
    model: type[Any] = MODELS[kind]
    there = model.objects.filter(origin=connection, external_id__one_of=newest).order_by()
    known = {row.external_id: row for row in there.only("external_id", "version", "digest", "first_seen_at")}
    stored, seen_again = Stored(older=len(found) - len(newest)), []
    related = _related(connection, kind, [item.record for item in newest.values()])
    for external_id, item in newest.items():
        row = known.get(external_id)
        if row is not None and item.record.version < row.version:
            stored.older += 1
            continue
        if row is not None and row.digest == item.digest:
            stored.unchanged += 1
            if item.record.version > row.version:
                row.version = item.record.version
                seen_again.append(row)
            continue
        read = model(
            pk=row.pk if row else None,
            origin=connection,
            external_id=external_id,
            version=item.record.version,
            digest=item.digest,
            data=item.data,
            raw=item.evidence(),
            first_seen_at=row.first_seen_at if row else now,
            changed_at=now,
            **COLUMNS[kind](item.record, related),
        )
        read.record = item.record
        (stored.new if row is None else stored.changed).append(read)
    # A version that changed nothing still outdates those before it.
    rows.update(seen_again, ["version"])
    rows.insert(stored.new)
    rows.update(
        stored.changed,
        [f.name for f in model._meta.concrete_fields if f.name not in ("id", "first_seen_at")],
    )
    rows.append(
        Reference,
        (
            {
                "connection_id": connection.pk,
                "kind": kind,
                "external_id": row.external_id,
                "label": str(row),
                "record_id": row.pk,
            }
            for row in stored.new
        ),
    )
    if kind == "order":
        _store_lines(stored, related)
        stored.awaited = adopt(connection, {row.external_id: row.pk for row in stored.new})
    return stored


def _related(connection: Connection, kind: str, records: Iterable[Any]) -> Related:
    """One query for each kind of thing that the records name."""
    if kind == "order":
        skus = {line.sku for record in records for line in record.lines}
        return Related(
            products=products_of(skus),
            locations=records_of(connection, "location", {record.location for record in records}),
            orders={},
        )
    return Related({}, {}, records_of(connection, "order", {record.order_id for record in records}))


def _order_columns(record: OrderRecord, related: Related) -> dict[str, Any]:
    name = record.customer.name or record.billing.name or record.billing.company or record.shipping.name
    return {
        "number": record.number,
        "state": record.state,
        "placed_at": record.placed_at,
        "currency": record.currency,
        "total_minor": record.total.minor,
        "paid_minor": record.paid.minor,
        "customer": name[:300],
        "email": record.customer.email[:320],
        "people": searchable(_people(record))[:1000],
        "location_id": related.locations.get(record.location),
    }


def _people(record: OrderRecord) -> Iterable[str]:
    yield from (record.customer.name, record.customer.email)
    for address in (record.billing, record.shipping):
        yield from (address.name, address.company)


def _refund_columns(record: RefundRecord, related: Related) -> dict[str, Any]:
    return {
        "order_id": related.orders.get(record.order_id),
        "order_external_id": record.order_id,
        "number": record.number,
        "refunded_at": record.refunded_at,
        "currency": record.currency,
        "total_minor": record.total.minor,
        "restocked": any(line.restock_to for line in record.lines),
    }


def _shipment_columns(record: ShipmentRecord, related: Related) -> dict[str, Any]:
    return {
        "order_id": related.orders.get(record.order_id),
        "order_external_id": record.order_id,
        "number": record.number[:100],
        "carrier": record.carrier[:100],
        "tracking": record.tracking[:200],
        "shipped_at": record.shipped_at,
    }


COLUMNS: dict[str, Any] = {
    "order": _order_columns,
    "refund": _refund_columns,
    "shipment": _shipment_columns,
}


def _store_lines(stored: Stored, related: Related) -> None:
    OrderLine.objects.filter(order__in=[row.pk for row in stored.changed]).delete()
    rows.append(
        OrderLine,
        (
            {
                "order_id": row.pk,
                "position": position,
                "external_id": line.external_id,
                "sku": line.sku,
                "product_id": related.products.get(line.sku),
                "title": line.title[:500],
                "quantity": line.quantity,
                "total_minor": line.total.minor,
            }
            for row in stored.touched
            for position, line in enumerate(row.record.lines)
        ),
    )


def adopt(connection: Connection, orders: Mapping[str, int]) -> Collection[int]:
    """Refunds and shipments that came before their order find it now. Returns the orders that were found.

    ``orders`` are our primary keys by the connection's ids of the orders.
    """
    awaited: set[int] = set()
    for model in (Refund, Shipment):
        orphans = model.objects.filter(origin=connection, order=None, order_external_id__one_of=orders)
        found = dict(orphans.order_by().values_list("pk", "order_external_id"))
        rows.update([model(pk=pk, order_id=orders[name]) for pk, name in found.items()], ["order"])
        awaited |= {orders[name] for name in found.values()}
    return awaited
