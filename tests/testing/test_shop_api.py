import base64
import doctest
import threading

import pytest

import portal.testing.shop
from portal.testing.shop import ShopServer


def read_all(client, path):
    page, items = client.get(path), []
    while True:
        items += page["items"]
        if not page["next"]:
            return items
        page = client.get(page["next"].removeprefix(f"http://127.0.0.1:{client.connection.port}"))


def test_the_example_in_the_package_docstring_runs():
    assert doctest.testmod(portal.testing.shop) == doctest.TestResults(failed=0, attempted=2)


def test_a_wrong_token_is_refused(client):
    client.token = "wrong"
    assert client("GET", "/api/orders") == (401, {"error": "The access token is missing or wrong."})


def test_pages_follow_each_other_to_the_end_over_one_connection(shop, client, an_order):
    placed = [shop.trade.place(an_order())["id"] for _ in range(7)]
    client.get("/api/orders?limit=2")
    socket = client.connection.sock
    assert [order["id"] for order in read_all(client, "/api/orders?limit=2")] == placed
    assert client.connection.sock is socket


def test_an_order_that_changes_while_pages_are_read_is_met_again_and_none_is_skipped(shop, client, an_order):
    placed = [shop.trade.place(an_order())["id"] for _ in range(5)]
    first = client.get("/api/orders?limit=2")
    shop.trade.cancel(placed[0])
    rest = read_all(client, f"/api/orders?page={first['next_page']}")
    assert [order["id"] for order in rest] == [*placed[2:], placed[0]]


@pytest.mark.parametrize("precision", ["seconds", "micros"])
def test_updated_since_begins_with_that_very_moment(precision, client_of, an_order):
    with ShopServer(precision=precision) as shop:
        client = client_of(shop)
        for _ in range(3):
            last = shop.trade.place(an_order())
        found = read_all(client, f"/api/orders?updated_since={last['updated_at']}")
        assert last["id"] in [order["id"] for order in found]
        assert all(order["updated_at"] >= last["updated_at"] for order in found)
        assert ("." in last["updated_at"]) == (precision == "micros")


def test_a_batch_of_ids_leaves_out_what_does_not_exist(shop, client, an_order):
    one, two = (shop.trade.place(an_order())["id"] for _ in range(2))
    found = client.get(f"/api/orders?ids={two},o9,{one},{two}")
    assert [order["id"] for order in found["items"]] == [two, one]
    assert client.get(f"/api/orders/{one}")["number"] == "#1001"


def test_stock_is_written_only_over_the_value_expected(shop, client):
    level = client.get("/api/stock?limit=1")["items"][0]
    path = f"/api/stock/{level['variant_id']}/{level['location_id']}"
    status, refused = client("PUT", path, {"available": 5, "expected": level["available"] + 1})
    assert (status, refused["available"]) == (409, level["available"])
    status, written = client("PUT", path, {"available": 5, "expected": level["available"]})
    assert (status, written["available"], written["revision"]) == (200, 5, level["revision"] + 1)
    effects = client.get("/_demo/effects")["effects"]
    assert [(each["kind"], each["key"], each["detail"]["available"]) for each in effects] == [
        ("stock.write", f"{level['sku']}@{level['location']}", 5)
    ]


def test_of_many_writers_who_saw_the_same_stock_one_wins(shop, client_of):
    answers, start = [], threading.Barrier(8)

    def write(available):
        client = client_of(shop)
        start.wait()
        answers.append(client("PUT", "/api/stock/v101/loc-1", {"available": available, "expected": seen})[0])

    seen = client_of(shop).get("/api/stock?ids=v101:loc-1")["items"][0]["available"]
    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 7
    assert len(shop.store.effects()) == 1


def test_an_order_is_shipped_in_parts_and_never_beyond_what_was_ordered(shop, client, an_order):
    order = shop.trade.place(an_order())
    path, (tea, cup) = f"/api/orders/{order['id']}/shipments", [line["id"] for line in order["lines"]]
    parcel = {
        "key": "1",
        "lines": [{"line_id": tea, "quantity": 2}],
        "tracking_number": "T1",
        "carrier": "DHL",
    }
    assert client("POST", path, parcel)[0] == 201
    assert client.get(f"/api/orders/{order['id']}")["fulfilment_status"] == "partial"
    status, refused = client("POST", path, {"key": "2", "lines": [{"line_id": tea, "quantity": 2}]})
    assert (status, refused["left"]) == (409, 1)
    rest = {"key": "3", "lines": [{"line_id": tea, "quantity": 1}, {"line_id": cup, "quantity": 2}]}
    assert client("POST", path, rest)[0] == 201
    shipped = client.get(f"/api/orders/{order['id']}")
    assert (shipped["status"], shipped["fulfilment_status"]) == ("completed", "shipped")
    assert [each["tracking_number"] for each in shipped["shipments"]] == ["T1", ""]


def test_a_shipment_sent_again_under_its_key_is_the_same_one(shop, client, an_order):
    order, other = shop.trade.place(an_order()), shop.trade.place(an_order())
    parcel = {"key": "k1", "lines": [{"line_id": order["lines"][0]["id"], "quantity": 3}]}
    status, made = client("POST", f"/api/orders/{order['id']}/shipments", parcel)
    again, same = client("POST", f"/api/orders/{order['id']}/shipments", parcel)
    assert (status, again, same) == (201, 200, made)
    assert client.get("/api/shipments?key=k1")["items"] == [made]
    assert client.get("/api/shipments?key=k2")["items"] == []
    assert client("POST", f"/api/orders/{other['id']}/shipments", parcel)[0] == 409
    assert [each["kind"] for each in shop.store.effects()] == ["shipment.create", "shipment.repeat"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/unicorns", None, 404),
        ("GET", "/api/orders/o1", None, 404),
        ("GET", "/nowhere", None, 404),
        ("DELETE", "/api/orders", None, 405),
        ("GET", "/api/orders?page=%21%21", None, 400),
        ("GET", "/api/orders?page=" + base64.urlsafe_b64encode(b"[1]").decode(), None, 400),
        ("GET", "/api/orders?updated_since=yesterday", None, 400),
        ("GET", "/api/orders?updated_since=2026-01-01T00:00:00", None, 400),
        ("PUT", "/api/stock/v101/loc-1", {"available": "5"}, 422),
        ("PUT", "/api/stock/v101/loc-1", {"available": True}, 422),
        ("PUT", "/api/stock/v101/loc-1", ["no", "object"], 400),
        ("PUT", "/api/stock/v9/loc-1", {"available": 5}, 404),
        ("POST", "/api/orders/o1/shipments", {"lines": []}, 422),
        ("POST", "/api/orders/o1/shipments", {"key": "k", "lines": [{"quantity": "2"}]}, 422),
        (
            "POST",
            "/api/webhooks",
            {"url": "http://example.com/", "topics": ["order.created"], "secret": "s"},
            422,
        ),
        (
            "POST",
            "/api/webhooks",
            {"url": "http://127.0.0.1/", "topics": ["order.eaten"], "secret": "s"},
            422,
        ),
        (
            "POST",
            "/api/webhooks",
            {"url": "http://127.0.0.1:port/", "topics": ["order.created"], "secret": "s"},
            422,
        ),
        ("POST", "/api/webhooks", {"url": "http://127.0.0.1/", "topics": [{}], "secret": "s"}, 422),
        ("POST", "/api/webhooks", {"url": "http://127.0.0.1/", "topics": ["order.created"]}, 422),
        ("POST", "/_demo/do/place", {"order": {}}, 422),
        ("PUT", "/_demo/faults", {"kinds": ["earthquake"]}, 422),
        ("POST", "/_demo/day", {"orders": 3}, 422),
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(shop, client, method, path, body, status):
    answered, content = client(method, path, body)
    assert (answered, bool(content["error"])) == (status, True)
    assert shop.store.effects() == []
