"""Warehouses, products, stock and shipments out of a real Tryton."""

import time
from collections import Counter

import pytest

from plugins.tryton import walk
from plugins.tryton.server.rpc import Rpc
from portal.sdk.capabilities import PullsLocations, PullsProducts, PullsShipments, PullsStock
from tests.plugins.tryton.makers import line, order

pytestmark = pytest.mark.tryton


@pytest.fixture(autouse=True)
def nothing_overlaps(monkeypatch):
    """Tests are faster than the overlap of two reads; without it they see only what they changed."""
    monkeypatch.setattr(walk, "OVERLAP", walk.timedelta(0))


def drain(pages):
    """The records of all pages and the last cursor."""
    pages = list(pages)
    assert not [rejected for page in pages for rejected in page.rejected]
    return [found.record for page in pages for found in page.found], pages[-1].cursor


def a_second_later(pull):
    """The cursor of now, at a moment when the clock (in whole seconds) has moved on."""
    time.sleep(1.1)
    _, cursor = drain(pull(None))
    return cursor


def names(refs, level):
    return level.sku, next(
        code for (kind, code), i in refs.items() if kind == "location" and i == level.location_id
    )


def test_it_has_the_capabilities_that_its_methods_are(tryton):
    for capability in (PullsLocations, PullsProducts, PullsStock, PullsShipments):
        assert isinstance(tryton, capability)


def test_warehouses_come_with_their_codes(tryton):
    found, cursor = drain(tryton.pull_location(None))
    assert {place.code for place in found} == {"BER", "VIE", "LIN"}
    assert drain(tryton.pull_location(cursor))[0] == []


def test_products_come_by_their_code_with_their_price(tryton):
    found, _ = drain(tryton.pull_product(None))
    by_sku = {product.sku: product for product in found}
    assert str(by_sku["TEA-001"].price) == "12.50 EUR"
    assert not {"SHIPPING", "REFUND", "CARRIAGE"} & by_sku.keys()


def test_a_renamed_product_is_read_again_and_no_other(tryton, server):
    cursor = a_second_later(tryton.pull_product)
    office = Rpc(server)
    (product,) = office.read("product.product", [["code", "=", "TEA-007"]], ["template"])
    office.call("model.product.template.write", [product["template"]], {"name": "Grüner Tee 抹茶"})
    found, _ = drain(tryton.pull_product(cursor))
    assert [(product.sku, product.title) for product in found] == [("TEA-007", "Grüner Tee 抹茶")]


def test_pages_lead_through_everything_once(tryton, monkeypatch):
    whole, _ = drain(tryton.pull_stock(None))
    monkeypatch.setattr("plugins.tryton.stock.PAGE", 7)
    pages = list(tryton.pull_stock(None))
    assert len(pages) > 5
    assert Counter(found.record.external_id for page in pages for found in page.found) == Counter(
        level.external_id for level in whole
    )
    rest, _ = drain(tryton.pull_stock(pages[2].cursor))
    seen = {found.record.external_id for page in pages[:3] for found in page.found}
    assert seen | {level.external_id for level in rest} == {level.external_id for level in whole}
    assert not seen & {level.external_id for level in rest}


def test_every_level_is_what_tryton_itself_forecasts(tryton, refs, ledger, send, order_id):
    send(order(order_id, line("TEA-001", "4", "50.00")))
    found, _ = drain(tryton.pull_stock(None))
    assert {names(refs, level): level.available for level in found} == ledger.stock()


def test_an_order_its_edit_and_its_cancel_each_change_one_level(tryton, refs, send, order_id):
    def change(record):
        cursor = a_second_later(tryton.pull_stock)
        send(record, order_id)
        found, _ = drain(tryton.pull_stock(cursor))
        return {names(refs, level): level.available for level in found}

    key = ("TEA-008", "LIN")
    before = {names(refs, level): level.available for level in drain(tryton.pull_stock(None))[0]}[key]
    shown = change(order(order_id, line("TEA-008", "3", "30.00"), location="LIN"))
    assert shown[key] == before - 3
    assert {sku for sku, _ in shown} == {"TEA-008"}
    assert change(order(order_id, line("TEA-008", "1", "10.00"), location="LIN"))[key] == before - 1
    gone = order(order_id, line("TEA-008", "1", "10.00"), location="LIN", state="cancelled")
    assert change(gone)[key] == before


def test_a_delivery_and_a_count_show_at_once(tryton, refs, warehouse):
    before = {names(refs, level): level.available for level in drain(tryton.pull_stock(None))[0]}
    cursor = a_second_later(tryton.pull_stock)
    warehouse.receive("VIE", {"TEA-009": 7})
    warehouse.count("LIN", {"TEA-010": 17})
    found, cursor = drain(tryton.pull_stock(cursor))
    after = {names(refs, level): level.available for level in found}
    assert after["TEA-009", "VIE"] == before["TEA-009", "VIE"] + 7
    assert after["TEA-010", "LIN"] == 17
    assert {sku for sku, _ in after} == {"TEA-009", "TEA-010"}
    time.sleep(1.1)
    assert drain(tryton.pull_stock(drain(tryton.pull_stock(cursor))[1]))[0] == []


@pytest.fixture
def everything_shipped(warehouse):
    def ship():
        while warehouse.ship(most=50):
            pass

    return ship


def test_an_order_in_two_parcels_gives_two_shipments_that_make_the_whole(
    tryton, send, ledger, everything_shipped, monkeypatch
):
    everything_shipped()
    monkeypatch.setattr("plugins.tryton.server.warehouse.PARTIAL", 1.0)
    cursor = a_second_later(tryton.pull_shipment)
    send(order("two-parcels", line("TEA-001", "3", "37.50"), line("TEA-002", "2", "20.00")))
    everything_shipped()
    found, cursor = drain(tryton.pull_shipment(cursor))
    assert [shipment.order_id for shipment in found] == ["two-parcels"] * 2
    total = Counter()
    for shipment in found:
        assert shipment.carrier
        assert shipment.tracking
        total.update({line.sku: int(line.quantity) for line in shipment.lines})
    assert total == {"TEA-001": 3, "TEA-002": 2}
    assert len({shipment.tracking for shipment in found}) == 2
    asked = [(s.number, s.tracking, s.carrier) for s in ledger.shipments() if s.web_id == "two-parcels"]
    assert sorted(asked) == sorted((s.number, s.tracking, s.carrier) for s in found)


def test_a_tracking_number_entered_late_is_read_again_with_a_newer_version(
    tryton, send, order_id, everything_shipped
):
    send(order(order_id, line("TEA-001", "1", "12.50")))
    everything_shipped()
    first = next(
        shipment for shipment in drain(tryton.pull_shipment(None))[0] if shipment.order_id == order_id
    )
    cursor = a_second_later(tryton.pull_shipment)
    number = int(first.external_id.partition(":")[0])
    tryton._client.write("stock.shipment.out", number, {"shipping_reference": "LATE-1"})
    (again,), _ = drain(tryton.pull_shipment(cursor))
    assert (again.external_id, again.tracking) == (first.external_id, "LATE-1")
    assert again.version > first.version
    assert again.shipped_at == first.shipped_at
