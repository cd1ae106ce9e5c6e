from pathlib import Path

from portal_acme.connector import Acme
from portal.sdk import StockLevel
from portal.testing import ConnectorContract, Push, Reply

NEW = StockLevel(external_id=1, version=1, product_id=9, sku="MUG", location_id="W", available=7, expected=5)
TIES = {("product", "MUG"): "p1", ("location", "W"): "b1"}


class TestAcme(ConnectorContract):
    connector = Acme
    answers = Path(__file__).with_name("answers.json")
    expect = {
        "location": ["b1", "b2", "b3"],
        "product": ["p1", "p2", "p3"],
        "order": {"o1": "24.90 EUR", "o2": "1200 JPY", "o3": "1.234 KWD"},
    }
    pushes = {"stock": Push(NEW, TIES, conflict={"PUT /stock/p1/b1": Reply(409, {"free": "4"})}, current="4")}
    waive = {"figures-are-exact-product": "The products of Acme come without prices."}
