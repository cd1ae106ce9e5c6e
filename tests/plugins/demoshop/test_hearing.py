import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from portal.sdk import Forged, Hint, Webhook
from portal.testing.shop import message, sign
from tests.waiting import eventually


def webhook(topic="order.created", data=None, secret="new", sent_at=None):
    body, headers = message("e-1", topic, data or {"id": "o1001"}, secret, sent_at)
    return Webhook({name.lower(): value for name, value in headers.items()}, body)


def test_a_genuine_webhook_is_a_hint_to_read_the_object_again(connector):
    assert connector.hear(webhook(), ["new"]) == [Hint("order.created", "order", "o1001", "e-1")]
    refunded = connector.hear(webhook("refund.created", {"id": "r501"}), ["new"])
    assert [(hint.kind, hint.external_id) for hint in refunded] == [("refund", "r501")]


def test_while_a_secret_is_replaced_both_are_good(connector):
    assert connector.hear(webhook(secret="old"), ["new", "old"])
    with pytest.raises(Forged):
        connector.hear(webhook(secret="old"), ["new"])


@pytest.mark.parametrize("signature", ["", "AAAA", "no base64 ü", sign(b"something else", "new")])
def test_a_wrong_signature_is_refused(connector, signature):
    genuine = webhook()
    with pytest.raises(Forged, match="signature"):
        connector.hear(Webhook(genuine.headers | {"x-shop-signature": signature}, genuine.body), ["new"])
    with pytest.raises(Forged):
        connector.hear(Webhook({}, genuine.body), ["new"])


def test_a_single_changed_byte_is_refused(connector):
    genuine = webhook()
    with pytest.raises(Forged):
        connector.hear(Webhook(genuine.headers, genuine.body.replace(b"o1001", b"o1002")), ["new"])


def test_no_secret_at_all_lets_nothing_in(connector):
    for secrets in ([], [""]):
        with pytest.raises(Forged):
            connector.hear(webhook(secret=""), secrets)


@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_a_webhook_from_another_hour_is_refused_even_with_a_fresh_header(connector, seconds):
    stale = webhook(sent_at=int(time.time()) + seconds)
    fresh = stale.headers | {"x-shop-timestamp": str(int(time.time()))}
    with pytest.raises(Forged, match="stamped"):
        connector.hear(Webhook(fresh, stale.body), ["new"])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b'{"topic": 5}',
        b'{"topic":"t","data":{"id":"1"},"event_id":"e","sent_at":1e99}',
    ],
)
def test_a_signed_body_of_another_shape_is_refused_with_a_sentence(connector, body):
    with pytest.raises(Forged, match="not what the shop sends"):
        connector.hear(Webhook({"x-shop-signature": sign(body, "new")}, body), ["new"])


def test_subscribing_twice_is_one_subscription_and_what_the_shop_sends_is_heard(shop, connector, an_order):
    got = []

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(Webhook({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Inbox) as inbox:
        url = f"http://127.0.0.1:{inbox.server_address[1]}/hooks/1"
        sentence = connector.subscribe(url, "first")
        assert (
            connector.subscribe(url, "second")
            == sentence
            == f"The shop tells {url} about orders and refunds."
        )
        assert len(shop.store.all("webhook")) == 1
        threading.Thread(target=inbox.serve_forever, args=(0.02,), daemon=True).start()
        order = shop.trade.place(an_order())
        eventually(lambda: got)
        inbox.shutdown()
    (hint,) = connector.hear(got[0], ["second"])
    assert (hint.topic, hint.kind, hint.external_id) == ("order.created", "order", order["id"])
    assert hint.dedupe_key == got[0].headers["x-shop-event-id"]
