"""Acme for the portal. The entry point `acme = "portal_acme"` leads to this module."""

from portal.sdk import hook
from portal_acme.connector import Acme


@hook
def register_connectors() -> list[type[Acme]]:
    return [Acme]
