"""The demo shop's connector. Read this package to learn how a connector is written.

`mapping` turns the shop's words into records: dictionaries in, records out, no network. `connector` says
what the shop can do and makes the calls. This module tells the portal that the connector is here; the
entry point `demoshop = "plugins.demoshop"` leads to it.
"""

from collections.abc import Iterable

from plugins.demoshop.connector import DemoShop
from portal.sdk import Connector, hook


@hook
def register_connectors() -> Iterable[type[Connector]]:
    return [DemoShop]
