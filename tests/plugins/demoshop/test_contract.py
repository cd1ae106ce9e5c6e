"""The demo shop's connector keeps the contract, tried on answers that the shop gave."""

from datetime import UTC, datetime
from pathlib import Path

from plugins.demoshop.connector import DemoShop
from portal.sdk import Shipment, ShipmentLine, StockLevel, Webhook
from portal.testing import ConnectorContract, Push, Reply
from portal.testing.shop import message

LEVEL = StockLevel(external_id="1", version=1, product_id="5", sku="TEA-001", location_id="1", available=7, expected=5)  # fmt: skip
PARCEL = Shipment(
    external_id="1", version=1, order_id="S-1", carrier="Post", tracking="JJD 1",
    shipped_at=datetime(2026, 11, 21, tzinfo=UTC), lines=(ShipmentLine(sku="TEA-001", quantity=1),),
)  # fmt: skip
SENT = {"id": "s1", "key": "contract-1", "order_id": "o1001", "tracking_number": "JJD 1", "carrier": "Post"}


class TestDemoShop(ConnectorContract):
    connector = DemoShop
    answers = Path(__file__).with_name("answers.json")
    expect = {
        "location": ["loc-1", "loc-2", "loc-3"],
        "product": {"v101": "12.50 EUR", **dict.fromkeys(["v102", "v103", "v104", "v105", "v106", "v107", "v108"], "")},
        "stock": {"v102:loc-1": "649", "v102:loc-2": "537", "v102:loc-3": "", "v103:loc-1": ""},
        "order": {"o1001": "61.46 EUR", "o1002": "9548 JPY", "o1003": "20.731 KWD"},
        "refund": {"r501": "13.38 EUR", "r502": "2640 JPY", "r503": "4.481 KWD"},
    }  # fmt: skip
    pushes = {
        "stock": Push(
            LEVEL,
            refs={("product", "TEA-001"): "v101", ("location", "1"): "loc-1"},
            conflict={"PUT /api/stock/v101/loc-1": Reply(409, {"available": 929, "revision": 3})},
            current="929",
        ),
        "shipment": Push(
            PARCEL,
            refs={("order", "S-1"): "o1001"},
            done={"GET /api/shipments?key=contract-1": {"items": [SENT], "next": None, "next_page": None}},
        ),
    }
    events = [("e-1", "order.created", {"id": "o1001"}), ("e-2", "refund.created", {"id": "r501"})]
    waive = {"currencies-have-their-own-cents-product": "The shop's catalogue is priced in EUR only."}

    @classmethod
    def webhook(cls, event, secret, at):
        body, headers = message(*event, secret, int(at.timestamp()))
        return Webhook(headers, body)
