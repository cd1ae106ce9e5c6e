"""The canonical records as rows: columns for what is filtered and constrained, JSON for the rest."""

from portal.records.models.base import Canonical
from portal.records.models.catalog import Location, Product
from portal.records.models.orders import Order, OrderLine
from portal.records.models.returns import Refund
from portal.records.models.shipments import Shipment
from portal.records.models.stock import StockLevel

__all__ = [
    "Canonical",
    "Location",
    "Order",
    "OrderLine",
    "Product",
    "Refund",
    "Shipment",
    "StockLevel",
]
