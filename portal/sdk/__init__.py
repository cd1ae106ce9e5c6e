"""The whole public API for plugins. A connector imports this package and its vendor's library, no more.

A connector, from nothing
-------------------------
Say what a connection needs to know. ``SecretStr`` fields are kept encrypted and never shown again:

>>> from portal.sdk import *
>>> class AcmeSettings(Settings):
...     url: str = Field(title="Address", description="Where the shop's API is.")
...     token: SecretStr = Field(title="API token")

Turn the vendor's words into records with plain functions, dict in, record out:

>>> def level(raw):
...     return StockLevel(
...         external_id=f"{raw['sku']}@{raw['place']}",
...         version=raw["revision"],
...         product_id=raw["sku"],
...         sku=raw["sku"],
...         location_id=raw["place"],
...         available=raw["free"],
...     )

Then declare the connector and give it what it can do. The method *is* the capability; from it the portal
makes the jobs, the forms and the screens:

>>> class Acme(Connector):
...     key, title, Settings = "acme", "Acme", AcmeSettings
...     promises = {"stock": Promise.ABSOLUTE}
...
...     def __init__(self, settings):
...         super().__init__(settings)
...         token = settings.token.get_secret_value()
...         self.http = Http(settings.url, headers={"Authorization": f"Bearer {token}"}, secrets=[token])
...
...     def check(self):
...         return f"Acme {self.http.get('/version').json()['version']}"
...
...     def pull_stock(self, cursor):
...         def read(token):
...             page = self.http.get("/stock", params={"after": token}).json()
...             return read_each(page["items"], level, cursor=page["last"], id_field="sku"), page.get("next")
...
...         yield from self.http.pages(cursor or "0", read)

>>> from portal.sdk.capabilities import PullsStock, PushesStock
>>> acme = Acme(AcmeSettings(url="http://acme.test", token="secret"))
>>> isinstance(acme, PullsStock), isinstance(acme, PushesStock)
(True, False)
>>> acme
<Acme>

A page's faulty object is set aside with its reason, its neighbours pass:

>>> raws = [{"sku": "A", "place": "B", "revision": 1, "free": "7"}, {"sku": "C"}]
>>> page = read_each(raws, level, id_field="sku")
>>> str(page.found[0].record.available), page.rejected[0].reason
('7', "the field 'place' is missing")

Money is exact and knows its currency:

>>> Money("100.00", "EUR").split([1, 1, 1])
[Money('33.34', 'EUR'), Money('33.33', 'EUR'), Money('33.33', 'EUR')]
>>> Money("1.5", "JPY").minor
Traceback (most recent call last):
ValueError: 1.5 JPY has fractions of the smallest unit of JPY.

Last, the module that the entry point ``portal.plugins`` names says which connectors it brings:

>>> @hook
... def register_connectors():
...     return [Acme]

What else a plugin may bring, and be asked and told, are the other hooks (:mod:`portal.sdk.hooks`).

Errors say what happens next (:mod:`portal.sdk.errors`): ``RetryLater``, ``SkipRecord``, ``Misconfigured``,
``ReadAgain``, ``OutcomeUnknown``. The HTTP client raises them by itself.
"""

from pydantic import Field, SecretStr

from portal.sdk.connector import (
    Change,
    Connector,
    Found,
    Hint,
    Page,
    Promise,
    Receipt,
    Rejected,
    Settings,
    Webhook,
    read_each,
)
from portal.sdk.contributions import Permission, PluginJob, PluginSettings, Retention, Topic, Transform
from portal.sdk.decisions import Hold, LeaveOut, Match, Offer, Send, Unmatched
from portal.sdk.errors import (
    Forged,
    Misconfigured,
    MustWait,
    NotFound,
    OutcomeUnknown,
    PortalError,
    ReadAgain,
    RetryLater,
    SkipRecord,
)
from portal.sdk.happenings import CaseOpened, OperationDone, RecordApplied, WebhookHeard
from portal.sdk.hooks import hook
from portal.sdk.http import Answer, Http
from portal.sdk.money import Money
from portal.sdk.pacing import Rate
from portal.sdk.records import (
    Address,
    Customer,
    Discount,
    Location,
    Order,
    OrderLine,
    Product,
    Record,
    Refund,
    RefundLine,
    Shipment,
    ShipmentLine,
    ShippingLine,
    StockLevel,
    Tax,
    version_of,
)
from portal.sdk.subjects import CaseInfo, ConnectionInfo, FlowInfo, Subject
from portal.sdk.surfaces import Figure, PluginUrl, RecordAction, RecordPanel, Table, Text, Tile, Values
from portal.sdk.webhooks import verify_hmac, verify_time

__version__ = "0.1.0"

__all__ = [
    "Address",
    "Answer",
    "CaseInfo",
    "CaseOpened",
    "Change",
    "ConnectionInfo",
    "Connector",
    "Customer",
    "Discount",
    "Field",
    "Figure",
    "FlowInfo",
    "Forged",
    "Found",
    "Hint",
    "Hold",
    "Http",
    "LeaveOut",
    "Location",
    "Match",
    "Misconfigured",
    "Money",
    "MustWait",
    "NotFound",
    "Offer",
    "OperationDone",
    "Order",
    "OrderLine",
    "OutcomeUnknown",
    "Page",
    "Permission",
    "PluginJob",
    "PluginSettings",
    "PluginUrl",
    "PortalError",
    "Product",
    "Promise",
    "Rate",
    "ReadAgain",
    "Receipt",
    "Record",
    "RecordAction",
    "RecordApplied",
    "RecordPanel",
    "Refund",
    "RefundLine",
    "Rejected",
    "Retention",
    "RetryLater",
    "SecretStr",
    "Send",
    "Settings",
    "Shipment",
    "ShipmentLine",
    "ShippingLine",
    "SkipRecord",
    "StockLevel",
    "Subject",
    "Table",
    "Tax",
    "Text",
    "Tile",
    "Topic",
    "Transform",
    "Unmatched",
    "Values",
    "Webhook",
    "WebhookHeard",
    "hook",
    "read_each",
    "verify_hmac",
    "verify_time",
    "version_of",
]
