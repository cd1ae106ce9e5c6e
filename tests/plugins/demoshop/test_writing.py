from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from portal.sdk import (
    Change,
    NotFound,
    OutcomeUnknown,
    ReadAgain,
    RetryLater,
    Shipment,
    ShipmentLine,
    SkipRecord,
    StockLevel,
)
from portal.testing.shop import Plan

REFS = {("product", "TEA-001"): "v101", ("location", "VIE"): "loc-2", ("order", "sale-1"): "o1001"}


def stock(available, expected=None, *, key="stock:1", refs=REFS):
    level = StockLevel(
        external_id="e1", version=1, product_id="p1", sku="TEA-001", location_id="VIE",
        available=available, expected=expected,
    )  # fmt: skip
    return Change(key=key, record=level, refs=refs)


def shipment(*lines, key="shipment:1", refs=REFS):
    parcel = Shipment(
        external_id="e2", version=1, order_id="sale-1", carrier="DHL", tracking="T1", shipped_at=datetime.now(UTC),
        lines=tuple(ShipmentLine(sku=sku, quantity=quantity) for sku, quantity in lines),
    )  # fmt: skip
    return Change(key=key, record=parcel, refs=refs)


def effects(shop, kind):
    return [each for each in shop.store.effects() if each["kind"] == kind]


def level_of(shop):
    return shop.store.get("stock", "v101:loc-2")["available"]


def test_stock_is_set_over_the_figure_that_was_seen(shop, connector):
    receipt = connector.push_stock(stock("17", level_of(shop)))
    assert (receipt.remote_id, level_of(shop)) == ("v101:loc-2", 17)
    connector.push_stock(stock("16"))
    assert level_of(shop) == 16


def test_stock_that_moved_meanwhile_is_read_again_and_not_overwritten(shop, connector, an_order):
    seen = level_of(shop)
    shop.trade.place(an_order())
    with pytest.raises(ReadAgain, match=f"The shop has {seen - 3} of TEA-001, not {seen}") as caught:
        connector.push_stock(stock("17", seen))
    assert caught.value.current == str(seen - 3)
    assert effects(shop, "stock.write") == []


def test_what_nobody_has_tied_or_the_shop_cannot_hold_is_held_back(shop, connector):
    with pytest.raises(SkipRecord, match="location 'VIE' is not tied") as untied:
        connector.push_stock(stock("1", refs={("product", "TEA-001"): "v101"}))
    assert untied.value.cause == "missing-location"
    with pytest.raises(SkipRecord, match=r"cannot hold 1\.5 pieces"):
        connector.push_stock(stock("1.5"))
    with pytest.raises(NotFound):
        connector.push_stock(stock("1", refs=REFS | {("product", "TEA-001"): "v9"}))
    assert shop.store.effects() == []


@pytest.mark.parametrize(
    ("kind", "error", "written"),
    [
        ("throttled", RetryLater, 0),
        ("error_before", OutcomeUnknown, 0),  # a 503 to a write proves nothing
        ("reset_before", OutcomeUnknown, 0),
        ("error_after", OutcomeUnknown, 1),
        ("reset_after", OutcomeUnknown, 1),
        ("truncated", OutcomeUnknown, 1),
        ("malformed", OutcomeUnknown, 1),
        ("html", OutcomeUnknown, 1),
    ],
)
def test_a_write_whose_answer_is_lost_is_unknown_and_never_taken_for_failed(
    shop, connector, kind, error, written
):
    shop.faults.use(Plan(retry_after=0))
    shop.faults.next(kind, method="PUT")
    with pytest.raises(error):
        connector.push_stock(stock("17"))
    assert len(effects(shop, "stock.write")) == written


def test_a_lost_shipment_is_found_by_its_key_and_not_sent_twice(shop, connector, an_order):
    shop.trade.place(an_order())
    connector.push_shipment(shipment(("CUP-001", 1), key="another"))
    change = shipment(("TEA-001", 3))
    assert connector.find_shipment(change) is None
    shop.faults.next("reset_after", method="POST")
    with pytest.raises(OutcomeUnknown):
        connector.push_shipment(change)
    found = connector.find_shipment(change)
    assert found is not None
    assert connector.push_shipment(change) == found
    assert [each["key"] for each in effects(shop, "shipment.create")] == ["another", "shipment:1"]


def test_one_shipment_pushed_by_several_workers_at_once_is_one_shipment(shop, connector, an_order):
    shop.trade.place(an_order(lines=[{"sku": "TEA-001", "quantity": 100}]))
    with ThreadPoolExecutor(8) as workers:
        receipts = list(workers.map(lambda _: connector.push_shipment(shipment(("TEA-001", 1))), range(16)))
    assert len({receipt.remote_id for receipt in receipts}) == 1
    assert len(effects(shop, "shipment.create")) == 1


def test_an_order_is_shipped_in_parts_over_all_its_lines_of_a_sku(shop, connector, an_order):
    shop.trade.place(an_order(lines=[{"sku": "TEA-001", "quantity": 2}, {"sku": "TEA-001", "quantity": 3}]))
    connector.push_shipment(shipment(("TEA-001", 1), ("TEA-001", 2), key="1"))
    connector.push_shipment(shipment(("TEA-001", 2), key="2"))
    order = shop.store.get("order", "o1001")
    assert [each["tracking_number"] for each in order["shipments"]] == ["T1", "T1"]
    assert [each["carrier"] for each in order["shipments"]] == ["DHL", "DHL"]
    assert ([line["shipped"] for line in order["lines"]], order["status"]) == ([2, 3], "completed")


def test_more_than_was_ordered_is_held_back_before_anything_is_sent(shop, connector, an_order):
    shop.trade.place(an_order())
    with pytest.raises(SkipRecord, match="1 of TEA-001 fewer left to ship") as caught:
        connector.push_shipment(shipment(("TEA-001", 4)))
    assert caught.value.cause == "shipped-too-much"
    assert shop.store.all("shipment") == []


def test_a_shipment_of_a_cancelled_order_is_held_back_with_the_shops_words(shop, connector, an_order):
    shop.trade.cancel(shop.trade.place(an_order())["id"])
    with pytest.raises(SkipRecord, match="is cancelled and cannot be shipped"):
        connector.push_shipment(shipment(("TEA-001", 1)))
