import base64
import hashlib
import hmac
import json
import time

import pytest

from portal.testing.shop import Plan, ShopServer
from tests.waiting import eventually

TOPICS = ["order.created", "order.updated", "order.cancelled", "refund.created", "stock.updated"]


def subscribe(client, receiver, topics=("order.created",), secret="s1"):
    return client("POST", "/api/webhooks", {"url": receiver.url, "topics": list(topics), "secret": secret})


def event_ids(got):
    return [headers["x-shop-event-id"] for headers, _ in got]


def settled(shop, **counts):
    """Wait until the deliveries have come to these counts."""
    eventually(lambda: shop.webhooks.counts == counts, so_far=lambda: f"{shop.webhooks.counts}, not {counts}")


def test_a_webhook_is_signed_over_its_raw_body(shop, client, receiver, an_order):
    assert subscribe(client, receiver, secret="geheim ü")[0] == 201
    order = shop.trade.place(an_order())
    headers, body = receiver.wait_for(1)[0]
    expected = base64.b64encode(hmac.new("geheim ü".encode(), body, hashlib.sha256).digest()).decode()
    assert headers["x-shop-signature"] == expected
    told = json.loads(body)
    assert told["data"] == order
    assert (headers["x-shop-topic"], told["topic"]) == ("order.created", "order.created")
    assert headers["x-shop-event-id"] == told["event_id"]
    assert headers["x-shop-timestamp"] == str(told["sent_at"])
    assert abs(told["sent_at"] - time.time()) < 5
    assert receiver.paths == ["/hook?account=1"]


def test_only_the_topics_asked_for_are_told(shop, client, receiver, an_order):
    subscribe(client, receiver, ["refund.created"])
    order = shop.trade.place(an_order())
    shop.trade.refund(order["id"], [{"line": order["lines"][0]["id"], "quantity": 1}])
    settled(shop, delivered=1)
    assert [headers["x-shop-topic"] for headers, _ in receiver.got] == ["refund.created"]


def test_a_url_has_one_subscription_which_a_second_call_replaces(shop, client, receiver, an_order):
    status, hook = subscribe(client, receiver, ["refund.created"])
    again, same = subscribe(client, receiver, ["order.created"], secret="s2")
    assert (status, again, hook["id"]) == (201, 200, same["id"])
    listed = client.get("/api/webhooks")["items"]
    assert [(each["url"], each["topics"], "secret" in each) for each in listed] == [
        (receiver.url, ["order.created"], False)
    ]
    client("DELETE", f"/api/webhooks/{hook['id']}")
    shop.trade.place(an_order())
    time.sleep(0.1)
    assert receiver.got == []


def test_a_failed_delivery_is_repeated_under_the_same_event_id_and_then_given_up(
    shop, client, receiver, an_order
):
    subscribe(client, receiver)
    receiver.statuses = [500, 302]
    shop.trade.place(an_order())
    assert len(set(event_ids(receiver.wait_for(3)))) == 1
    settled(shop, failed=2, delivered=1)
    receiver.statuses = [500] * 3
    shop.trade.place(an_order())
    settled(shop, **{"failed": 4, "delivered": 1, "given up": 1})
    assert shop.store.notices(0) == []


def test_what_was_not_delivered_before_a_restart_is_delivered_after_it(
    tmp_path, client_of, receiver, an_order
):
    with ShopServer(tmp_path, webhook_retries=(60,)) as shop:
        subscribe(client_of(shop), receiver)
        receiver.statuses = [503]
        order = shop.trade.place(an_order())
        receiver.wait_for(1)
    with ShopServer(tmp_path):
        first, second = receiver.wait_for(2)
        assert event_ids([first]) == event_ids([second])
        assert json.loads(second[1])["data"]["id"] == order["id"]


@pytest.mark.parametrize(
    ("kind", "arrivals"), [("doubled", 2), ("late", 1), ("reordered", 1), ("dropped", 0), ("forged", 2)]
)
def test_webhook_faults_happen_and_are_counted(kind, arrivals, client_of, receiver, an_order):
    plan = Plan(webhook_rate=1, webhook_kinds=(kind,), webhook_delay=2)
    with ShopServer(faults=plan) as shop:
        subscribe(client_of(shop), receiver)
        begin = time.monotonic()
        order = shop.trade.place(an_order())
        got = receiver.wait_for(arrivals)
        took = time.monotonic() - begin
        time.sleep(0.05)
        assert len(receiver.got) == arrivals
        assert shop.faults.counts == {kind: 1}
    genuine = [
        body for headers, body in got if hmac.compare_digest(headers["x-shop-signature"], signature(body))
    ]
    assert len(genuine) == (1 if kind == "forged" else arrivals)
    assert (took >= 2) == (kind == "late")
    assert all(json.loads(body)["data"]["id"] == order["id"] for body in genuine)
    if kind == "doubled":
        assert len(set(event_ids(got))) == 1


def test_reordered_webhooks_are_overtaken(client_of, receiver, an_order):
    with ShopServer(faults=Plan(webhook_rate=1, webhook_kinds=("reordered",), webhook_delay=10)) as shop:
        subscribe(client_of(shop), receiver, TOPICS[:3])
        order = shop.trade.place(an_order())
        eventually(lambda: shop.faults.counts)  # the first one is to meet its fault, the second one none
        shop.faults.use(Plan())
        shop.trade.cancel(order["id"])
        topics = [headers["x-shop-topic"] for headers, _ in receiver.wait_for(2)]
    assert topics == ["order.cancelled", "order.created"]


def signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(b"s1", body, hashlib.sha256).digest()).decode()
