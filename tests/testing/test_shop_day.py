import json
import os
import signal
import subprocess
import sys
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from portal.testing.shop import ShopServer
from portal.testing.shop.catalogue import LOCATIONS, read
from portal.testing.shop.day import plan
from portal.testing.shop.demo import truth
from tests.waiting import eventually


def run_day(shop, **asked):
    shop.day.start(**{"seconds": 0} | asked)
    eventually(lambda: shop.day.progress()["state"] == "done", 30, shop.day.progress)
    return shop.day.progress()


@pytest.fixture(scope="module")
def day_data(tmp_path_factory):
    data = tmp_path_factory.mktemp("day")
    with ShopServer(data) as shop:
        progress = run_day(shop)
        return data, progress, truth(shop.store), shop.store.all("order")


def test_the_same_seed_plans_the_same_day():
    assert plan() == plan() != plan(seed=2)
    assert [step.at for step in plan()] == sorted(step.at for step in plan())
    assert max(step.at for step in plan()) <= 1


def test_the_day_is_as_large_as_promised(day_data):
    _, progress, books, _ = day_data
    assert (progress["refused"], progress["done"]) == ([], progress["steps"])
    assert len(books["orders"]["all"]) == 320
    assert books["orders"]["count"] >= 300
    assert books["refunds"]["count"] == 45
    assert set(books["orders"]["by_currency"]) == {"EUR", "USD", "JPY", "KWD"}
    assert {order["location"] for order in books["orders"]["all"]} == {"BER", "wien-1", "LIN"}


def test_the_books_of_the_day_add_up(day_data):
    _, _, books, orders = day_data
    sold = {}
    for order in orders:
        totals = [Decimal(item["total"]) for item in [*order["lines"], order["shipping"]]]
        assert sum(totals) == Decimal(order["totals"]["total"])
        assert Decimal(order["refunded"]) <= Decimal(order["captured"])
        for line in order["lines"] if order["status"] != "cancelled" else []:
            place = (line["sku"], order["location"])
            sold[place] = sold.get(place, 0) + line["quantity"]
    for refund in books["refunds"]["all"]:
        parts = [Decimal(line["amount"]) for line in refund["lines"]] + [
            Decimal(refund["shipping"]["amount"])
        ]
        assert sum(parts) == Decimal(refund["total"])
        for line in refund["lines"]:
            if line["restock_location"]:
                sold[line["sku"], line["restock_location"]] -= line["quantity"]
    codes = {warehouse: location["code"] for warehouse, location in LOCATIONS.items()}
    opening = {(each["sku"], codes[w]): stock for each in read() for w, stock in each["stock"].items()}
    assert {(level["sku"], level["location"]): level["available"] for level in books["stock"]} == {
        place: stock - sold.get(place, 0) for place, stock in opening.items()
    }


def test_the_day_has_its_ugly_cases(day_data):
    _, _, books, orders = day_data
    lines = [line for order in orders for line in order["lines"]]
    names = {order["shipping_address"]["name"] for order in orders}
    families = [order for order in orders if order["email"] == "familie@example.com"]
    assert max(len(order["lines"]) for order in orders) == 250
    assert any(line["unit_price"] == "0.00" for line in lines)
    assert any(line["discount"] == "-0.00" for line in lines)
    assert any(order["totals"]["total"] == "0.00" for order in orders)
    assert any(order["shipping"]["free"] for order in orders)
    assert any(Decimal(order["totals"]["total"]) > 10**7 for order in orders)
    assert any(
        Decimal(d["nominal"] or 0) > Decimal(d["amount"]) > 0 for order in orders for d in order["discounts"]
    )
    assert max(map(len, names)) > 200
    assert len({order["customer"]["id"] if order["customer"] else None for order in families}) == 3
    assert any("🫖" in name for name in names)
    assert any("<script>" in name for name in names)
    assert any(order["customer"] is None for order in orders)
    assert any(order["customer"] for order in orders)
    assert {order["tax_included"] for order in orders} == {True, False}
    assert any(not line["restock_location"] for refund in books["refunds"]["all"] for line in refund["lines"])
    assert any(order["payment_status"] == "refunded" for order in orders)
    assert any(order["payment_status"] == "partially_refunded" for order in orders)


def test_a_second_start_over_the_same_data_changes_nothing(day_data):
    data, progress, books, _ = day_data
    with ShopServer(data) as shop:
        assert shop.day.start(seconds=0) == progress
        assert truth(shop.store) == books


def test_a_day_that_was_interrupted_goes_on_where_it_was(tmp_path, day_data):
    with ShopServer(tmp_path) as shop:
        shop.day.start(seconds=3)
        eventually(lambda: shop.day.progress()["done"])
    with ShopServer(tmp_path) as shop:
        assert 0 < shop.day.progress()["done"] < shop.day.progress()["steps"]
        progress = run_day(shop)
        interrupted = truth(shop.store)
    assert progress["refused"] == []
    _, _, books, _ = day_data
    for sums in ("orders", "refunds"):
        assert interrupted[sums]["by_currency"] == books[sums]["by_currency"]
    assert len(interrupted["orders"]["all"]) == 320


def test_a_day_that_is_too_small_for_its_cases_is_refused():
    with pytest.raises(ValueError, match="at least 60 orders"):
        plan(orders=50)
    with pytest.raises(ValueError, match="three for each refund"):
        plan(orders=60, refunds=40)
    assert sum(step.action == "place" for step in plan(orders=60, refunds=4)) == 60


def test_the_shop_runs_as_a_process_and_ends_on_sigterm(tmp_path):
    command = [
        sys.executable,
        "-m",
        "portal.testing.shop",
        "--port",
        "0",
        "--data",
        str(tmp_path / "new" / "data"),
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
    ) as shop:
        try:
            url = shop.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"{url}/_demo/day") as answer:
                assert json.load(answer) == {"state": "none"}
        finally:
            shop.send_signal(signal.SIGTERM)
        assert shop.wait(5) == 0
