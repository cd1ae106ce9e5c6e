"""Rows to look at: plain functions that put a believable company into the database, nothing is sent anywhere.

`world()` makes all of it; the other functions make one thing each.
"""

from tests.factories.day import world
from tests.factories.records import known_at, levels, orders, products, refund, shipment
from tests.factories.setup import connection, erp, flow, shop, user
from tests.factories.work import case, event, job, operation, run, untied

__all__ = [
    "case",
    "connection",
    "erp",
    "event",
    "flow",
    "job",
    "known_at",
    "levels",
    "operation",
    "orders",
    "products",
    "refund",
    "run",
    "shipment",
    "shop",
    "untied",
    "user",
    "world",
]
