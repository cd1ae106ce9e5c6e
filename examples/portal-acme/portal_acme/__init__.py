"""Acme for the portal. The entry point `acme = "portal_acme"` leads to this module."""

from collections.abc import Iterable

from portal.sdk import Connector, hook

from portal_acme.connector import Acme


@hook
def register_connectors() -> Iterable[type[Connector]]:
    return [Acme]
