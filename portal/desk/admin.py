"""Every screen registers itself when it is imported; Django looks for them here."""

from portal.desk.screens import (
    cases,
    catalog,
    connections,
    events,
    flows,
    jobs,
    operations,
    orders,
    people,
    plugins,
    references,
    refunds,
    shipments,
    stock,
    story,
    tasks,
)

__all__ = [
    "cases",
    "catalog",
    "connections",
    "events",
    "flows",
    "jobs",
    "operations",
    "orders",
    "people",
    "plugins",
    "references",
    "refunds",
    "shipments",
    "stock",
    "story",
    "tasks",
]
