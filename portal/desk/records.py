"""From a kind and a primary key to the page of the record: operations and facts name records so."""

from __future__ import annotations

from django.db.models import Model

from portal.desk import show
from portal.records.models import Location, Order, Product, Refund, Shipment, StockLevel

MODELS: dict[str, type[Model]] = {
    "location": Location,
    "order": Order,
    "product": Product,
    "refund": Refund,
    "shipment": Shipment,
    "stock": StockLevel,
}


def record_link(kind: str, record_id: int | None, text: str) -> str:
    """A link to the record, without asking the database; just the text where the kind has no page."""
    model = MODELS.get(kind)
    if model is None or record_id is None:
        return text
    return show.link(show.address(model, record_id), text)
