"""The good connector passes everything: this file is all that its author writes."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from portal.sdk import Shipment, ShipmentLine, StockLevel
from portal.testing import ConnectorContract, Push, Reply, signed
from tests.testing.contract.orchard import Orchard

LEVEL = StockLevel(external_id="s1", version=1, product_id="9", sku="APPLE", location_id="W", available=7, expected=5)  # fmt: skip
PARCEL = Shipment(
    external_id="s1", version=1, order_id="1001", tracking="TRACK 1", shipped_at=datetime(2026, 4, 1, tzinfo=UTC),
    lines=(ShipmentLine(sku="APPLE", quantity=Decimal(1)),),
)  # fmt: skip


class TestOrchard(ConnectorContract):
    connector = Orchard
    answers = Path(__file__).with_name("orchard.json")
    expect = {
        "order": {"o1": "19.99 EUR", "o2": "1200 JPY", "o3": "1.234 KWD"},
        "refund": {"r1": "12.50 EUR", "r2": "400 JPY", "r3": "1.234 KWD"},
    }
    pushes = {
        "stock": Push(
            LEVEL,
            refs={("product", "APPLE"): "v7", ("location", "W"): "b1"},
            conflict={"PUT /stock/v7/b1": Reply(412, {"free": 4})},
            current="4",
        ),
        "shipment": Push(
            PARCEL,
            refs={("order", "1001"): "o1"},
            done={"GET /parcels?key=contract-1": {"list": [{"id": "p9"}]}},
        ),
    }
    events = [
        {"what": "order.changed", "id": "o1", "event": "e1"},
        {"what": "refund.made", "id": "r1", "event": "e2"},
    ]

    @classmethod
    def webhook(cls, event, secret, at):
        return signed(event | {"at": at.isoformat()}, secret, "X-Orchard-Signature")
