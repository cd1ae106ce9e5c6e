from pathlib import Path

from portal_dummy.connector import Dummy
from portal.sdk import Customer, Money, Order, OrderLine
from portal.testing import ConnectorContract, Push, signed

MUGS = OrderLine(
    external_id="1",
    sku="MUG",
    quantity=2,
    unit_price=Money("9.95", "EUR"),
    total=Money("19.90", "EUR"),
)
ORDER = Order(
    external_id="o1",
    version=1,
    number="1001",
    placed_at="2026-03-29T02:30:00+01:00",
    currency="EUR",
    customer=Customer(name="Anna Berg"),
    location="L",
    lines=(MUGS,),
    total=Money("19.90", "EUR"),
    paid=Money("19.90", "EUR"),
)


class TestDummy(ConnectorContract):
    connector = Dummy
    answers = Path(__file__).with_name("answers.json")
    expect = {"location": ["w1", "w2", "w3"], "product": ["a1", "a2", "a3"]}
    pushes = {
        "order": Push(
            ORDER,
            refs={("product", "MUG"): "a1", ("location", "L"): "w1"},
            done={"GET /orders?key=contract-1": {"items": [{"id": "D-1"}]}},
        )
    }
    events = [
        {"event": "e1", "topic": "parcel.sent", "id": "7"},
        {"event": "e2", "topic": "parcel.sent", "id": "8"},
    ]
    waive = {"figures-are-exact-product": "The products of Dummy come without prices."}

    @classmethod
    def webhook(cls, event, secret, at):
        return signed(event, secret, "x-dummy-signature")
