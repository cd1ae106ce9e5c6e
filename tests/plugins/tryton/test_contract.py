"""Tryton's connector keeps the contract, tried on answers that a real Tryton gave."""

import base64
from datetime import UTC, datetime

from plugins.tryton import Tryton
from portal.sdk import RefundLine
from portal.testing import ConnectorContract, Push
from tests.plugins.tryton.answers import ANSWERS, MODEL, RETURNED_ALL, SALE
from tests.plugins.tryton.makers import line, order, refund

TIES = {("product", "TEA-001"): "1", ("location", "BER"): "5"}
PLACED = datetime(2026, 11, 21, tzinfo=UTC)
ORDER = order("o1001", line("TEA-001", "2", "25.00"), placed_at=PLACED, note="Bitte klingeln")
GOODS = line("TEA-001", "1", "12.50")
REFUND = refund(
    "r1", "S-1", RefundLine(order_line="1", sku="TEA-001", quantity=1, restock_to="BER", total=GOODS.total, taxes=GOODS.taxes),
    total="12.50", reason="Zerbrochen",
).model_copy(update={"refunded_at": PLACED})  # fmt: skip


class TestTryton(ConnectorContract):
    connector = Tryton
    settings = {"url": "{url}", "database": "tryton", "web_shop": "Web shop"}
    answers = ANSWERS
    constants = {"plugins.tryton.walk.PAGE": 2, "plugins.tryton.stock.PAGE": 2}
    expect = {
        "location": ["5", "12", "16"],
        "product": {"1": "12.50 EUR", "2": "9.90 EUR", "3": "4.20 EUR"},
        "stock": {
            "1@5": "929",
            "2@5": "649",
            "3@5": "696",
            "1@12": "577",
            "2@12": "537",
            "3@12": "687",
            "1@16": "602.5",
            "2@16": "674",
            "3@16": "-3",
        },
        "shipment": ["1:o1001", "2:o1002", "3:o1003"],
    }
    pushes = {
        "order": Push(
            ORDER,
            refs=TIES,
            done={f'GET {MODEL}/sale.sale ~["web_id", "=", "o1001"]': [SALE]},
        ),
        "refund": Push(
            REFUND,
            refs=TIES | {("order", "S-1"): "o1000"},
            done={f'GET {MODEL}/sale.sale ~["web_id", "=", "R-r1"]': [RETURNED_ALL]},
        ),
    }

    waive = {
        "currencies-have-their-own-cents-product": "Tryton's price list is in the company's own currency.",
        "a-missing-field-sets-one-object-aside-shipment outgoing_moves.0.origin": "Goods without an origin belong to no order.",
    }

    @classmethod
    def say(cls, request):
        """Domain and context travel in base64; a written record is plain."""
        packed = [request.query.get("d", ""), request.headers.get("x-tryton-context", "")]
        return " ".join(base64.urlsafe_b64decode(each).decode() for each in packed) + request.body.decode()
