"""Tryton, an ERP: orders become sales, refunds become returns; stock and shipments come back."""

from collections.abc import Iterable

from portal.sdk import Connector, hook

from .connector import Tryton


@hook
def register_connectors() -> Iterable[type[Connector]]:
    return [Tryton]
