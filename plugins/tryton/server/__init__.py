"""A real Tryton server to run the portal against.

>>> prepared = TrytonServer.prepare(Path("catalogue.json"))            # doctest: +SKIP
>>> with TrytonServer.start(Path("var/tryton"), prepared) as server:   # doctest: +SKIP
...     print(server.url, server.database)

Tryton runs in an environment of its own; nothing here imports it.
"""

from .environment import ServerError, install
from .server import TrytonServer

__all__ = ["ServerError", "TrytonServer", "install"]
