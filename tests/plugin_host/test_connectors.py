"""What the class of a connector has to declare, and the sentence for what it lacks."""

import pytest

from portal.plugins.connectors import faults
from portal.plugins.manager import plugins
from portal.sdk import Connector, Promise, Settings


class Good(Connector):
    key, title, Settings = "good", "Good", Settings
    promises = {"order": Promise.SEARCHABLE, "stock": Promise.ABSOLUTE}

    def check(self):
        return "Good 1"

    def pull_order(self, cursor): ...

    def push_order(self, change): ...

    def find_order(self, change): ...

    def push_stock(self, change): ...

    def find_customer(self, mail): ...


def test_the_bundled_connectors_and_a_good_one_lack_nothing():
    for cls in (Good, *plugins().connector_classes().values()):
        assert list(faults(cls)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"key": "Über"}, "The key 'Über' of Poor has to be lower-case letters"),
        ({"key": 7}, "The key 7 of Poor"),
        ({"title": " "}, "Poor has no title"),
        ({"title": None}, "Poor has no title"),
        ({"Settings": dict}, "Poor.Settings has to be a class made from portal.sdk.Settings"),
        ({"check": Connector.check}, "Poor has no method check"),
        (
            {"pull_orders": print},
            "Poor has a method pull_orders, which nothing calls; it may be meant to be pull_order",
        ),
        ({"promises": {"stock": Promise.ABSOLUTE}}, "Poor pushes order, but its promises do not say"),
        ({"promises": {**Good.promises, "stock": "D"}}, "Poor promises 'D' for stock, which is no Promise"),
        ({"promises": {**Good.promises, "refund": Promise.NOTHING}}, "has no method push_refund"),
        (
            {"promises": {**Good.promises, "stock": Promise.UNIQUE_REFERENCE}},
            "Poor promises UNIQUE_REFERENCE for stock, which nothing looks up: take ABSOLUTE or NOTHING",
        ),
        (
            {"promises": {**Good.promises, "refund": Promise.SEARCHABLE}, "push_refund": print},
            "Poor has push_refund but not find_refund, so that neither is used; PushesRefunds needs both",
        ),
        (
            {"hear": print},
            "Poor has hear but not subscribe, so that neither is used; HearsWebhooks needs both",
        ),
        ({"subscribes": print}, "nothing calls; it may be meant to be subscribe"),
    ],
)
def test_what_is_missing_is_told_in_one_sentence(change, said):
    [fault] = faults(type("Poor", (Good,), change))
    assert said in fault
