"""Connections and records as plugins are told of them: frozen values, without credentials and without our rows."""

from __future__ import annotations

from portal.connections.models import Connection
from portal.connections.selectors import ids_at
from portal.records.models import Canonical, Location, Order, Product, Refund, Shipment, StockLevel
from portal.sdk import ConnectionInfo, Subject
from portal.sdk import StockLevel as StockLevelRecord
from portal.sdk.records import KINDS
from portal.sdk.subjects import RecordKind

MODELS: dict[RecordKind, type[Canonical]] = {
    "order": Order,
    "refund": Refund,
    "shipment": Shipment,
    "product": Product,
    "location": Location,
}


def info_of(connection: Connection) -> ConnectionInfo:
    return ConnectionInfo(slug=connection.slug, name=connection.name, connector=connection.connector)


def subject_of(row: Canonical) -> Subject:
    """The record as it stands. No query where ``origin``, ``data`` and ``raw`` were read with the row."""
    kind = next(kind for kind, model in MODELS.items() if isinstance(row, model))
    return Subject(kind, row.pk, info_of(row.origin), KINDS[kind].model_validate(row.data), row.raw)


def level_of(row: StockLevel) -> Subject:
    """What a connection shows of one product at one place. One query, for its own ids of them."""
    there = ids_at(row.connection, ["product", "location"], [row.product_id, row.location_id])
    product = there.get(("product", row.product_id), row.product.external_id)
    location = there.get(("location", row.location_id), row.location.external_id)
    record = StockLevelRecord(
        external_id=f"{product}@{location}",
        version=row.version,
        product_id=product,
        sku=row.product.sku,
        location_id=location,
        available=row.available,
    )
    return Subject("stock", row.pk, info_of(row.connection), record)
