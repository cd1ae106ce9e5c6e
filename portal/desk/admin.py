"""Every screen registers itself when it is imported; Django looks for them here."""

from portal.desk.screens import (
    cases,
    catalog,
    connections,
    engine,
    flows,
    operations,
    orders,
    people,
    references,
    refunds,
    shipments,
    stock,
    tasks,
)

__all__ = [
    "cases",
    "catalog",
    "connections",
    "engine",
    "flows",
    "operations",
    "orders",
    "people",
    "references",
    "refunds",
    "shipments",
    "stock",
    "tasks",
]
