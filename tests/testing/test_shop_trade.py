import pytest

from portal.testing.shop import Refused, ShopServer


def available(shop: ShopServer, sku: str, location: str = "BER") -> int:
    levels = shop.store.all("stock")
    return next(each["available"] for each in levels if (each["sku"], each["location"]) == (sku, location))


def test_an_order_takes_its_goods_and_a_cancel_brings_them_back(shop, an_order):
    before = available(shop, "TEA-001")
    order = shop.trade.place(an_order())
    assert available(shop, "TEA-001") == before - 3
    cancelled = shop.trade.cancel(order["id"])
    assert available(shop, "TEA-001") == before
    assert (cancelled["status"], cancelled["captured"]) == ("cancelled", "0.00")


def test_an_edit_moves_stock_price_and_payment_with_it(shop, an_order):
    tea, cup, pot = (available(shop, sku) for sku in ("TEA-001", "CUP-001", "POT-001"))
    order = shop.trade.place(an_order())
    lines = [line["id"] for line in order["lines"]]
    edited = shop.trade.edit(
        order["id"],
        [
            {"op": "quantity", "line": lines[0], "quantity": 1},
            {"op": "remove", "line": lines[1]},
            {"op": "add", "sku": "POT-001", "quantity": 2},
            {"op": "address", "shipping_address": {"name": "Neu"}},
        ],
    )
    assert [available(shop, sku) for sku in ("TEA-001", "CUP-001", "POT-001")] == [tea - 1, cup, pot - 2]
    # (12.50 + 7 %) + 2 x (74.50 + 19 %) + 4.90
    assert edited["captured"] == edited["totals"]["total"] == "195.60"
    assert edited["revision"] == 2
    assert edited["shipping_address"]["name"] == "Neu"
    assert edited["lines"][-1]["id"] not in lines


def test_an_order_that_the_stock_cannot_fill_leaves_no_trace(shop, an_order):
    before = available(shop, "TEA-001")
    greedy = an_order(lines=[{"sku": "TEA-001", "quantity": 1}, {"sku": "CUP-001", "quantity": 10**6}])
    with pytest.raises(Refused, match="CUP-001 is sold out at BER"):
        shop.trade.place(greedy)
    assert available(shop, "TEA-001") == before
    assert shop.store.all("order") == []


def test_pieces_are_refunded_until_all_are_and_restocked_where_asked(shop, an_order):
    order = shop.trade.place(an_order(discounts=[{"code": "X", "nominal": "10.01"}]))
    line, before = order["lines"][0]["id"], available(shop, "TEA-001", "wien-1")
    first = shop.trade.refund(order["id"], [{"line": line, "quantity": 1, "restock": "wien-1"}])
    rest = shop.trade.refund(
        order["id"],
        [{"line": line, "quantity": 2}, {"line": order["lines"][1]["id"], "quantity": 2}],
        shipping=True,
    )
    assert available(shop, "TEA-001", "wien-1") == before + 1
    assert first["lines"][0]["restock_location"] == "wien-1"
    refunded = shop.store.get("order", order["id"])
    assert refunded["refunded"] == refunded["captured"] == order["totals"]["total"]
    assert refunded["payment_status"] == "refunded"
    assert rest["shipping"]["amount"] == "4.90"
    with pytest.raises(Refused, match="0 left to refund"):
        shop.trade.refund(order["id"], [{"line": line, "quantity": 1}])


def test_no_refund_exceeds_what_was_captured(shop, an_order):
    order = shop.trade.place(an_order(paid=False))
    with pytest.raises(Refused, match=r"captured 0.00 EUR; 13.3[78] is more"):
        shop.trade.refund(order["id"], [{"line": order["lines"][0]["id"], "quantity": 1, "restock": "BER"}])
    assert shop.store.all("refund") == []
    shop.trade.pay(order["id"])
    assert shop.trade.refund(order["id"], [{"line": order["lines"][0]["id"], "quantity": 1}])["id"]


@pytest.mark.parametrize("touch", ["shipped", "refunded", "cancelled"])
def test_what_was_shipped_refunded_or_cancelled_is_not_changed_any_more(shop, an_order, touch):
    order = shop.trade.place(an_order())
    line = order["lines"][0]["id"]
    match touch:
        case "shipped":
            shop.trade.warehouse.ship(order["id"], {"key": "k", "lines": [{"line_id": line, "quantity": 1}]})
        case "refunded":
            shop.trade.refund(order["id"], [{"line": line, "quantity": 1}])
        case "cancelled":
            shop.trade.cancel(order["id"])
    with pytest.raises(Refused, match="cannot be edited"):
        shop.trade.edit(order["id"], [{"op": "quantity", "line": line, "quantity": 1}])
    with pytest.raises(Refused, match="cannot be cancelled"):
        shop.trade.cancel(order["id"])


def test_odd_skus_are_sold_only_when_switched_on():
    with ShopServer(odd=frozenset({"unknown", "doubled", "lookalike"})) as shop:
        skus = [variant["sku"] for product in shop.store.all("product") for variant in product["variants"]]
    assert skus.count("TEA-005") == 2
    assert {"NOT-IN-ERP", "tea-001", "TEA-002 ", "ТЕА-003", "TEA\u2011004"} <= set(skus)
    with ShopServer() as plain:
        skus = [variant["sku"] for product in plain.store.all("product") for variant in product["variants"]]
    assert len(skus) == len(set(skus)) == 61
