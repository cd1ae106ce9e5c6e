"""A small but serious shop, for demos and tests: it sells, it remembers, it fails on demand.

>>> import json, urllib.request
>>> with ShopServer() as shop:
...     order = shop.trade.place(
...         {"currency": "EUR", "tax_included": True, "location": "BER", "lines": [{"sku": "TEA-001", "quantity": 2}]}
...     )
...     call = urllib.request.Request(
...         f"{shop.url}/api/orders/{order['id']}", headers={"Authorization": f"Bearer {shop.token}"}
...     )
...     json.load(urllib.request.urlopen(call))["totals"]["total"]
'26.76'

`money` and `pricing` are its arithmetic, `store` its memory, `trade` and `warehouse` its rules, `api` what clients see,
`webhooks` what it tells them, `faults` the trouble it makes, `day` a day of business, `demo` the back door
for tests. As a process: `python -m portal.testing.shop --port 8001 --data DIR`.
"""

from .catalogue import CATALOGUE
from .errors import Refused
from .faults import Plan
from .server import ShopServer
from .webhooks import message, sign

__all__ = ["CATALOGUE", "Plan", "Refused", "ShopServer", "message", "sign"]
