"""Where remotes knock: verified on raw bytes, stored, committed, answered; the object is read again."""

import base64
import hashlib
import hmac
import json

import pytest
from django.db import OperationalError

from portal.records.models import Order
from portal.sync.models import Event, Job
from tests.toys import order


@pytest.fixture
def knock(client, house):
    secret = house.shop.webhook_secrets[0]

    def post(told, *, slug="shop", signed_with=secret, **headers):
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        signature = base64.b64encode(hmac.new(signed_with.encode(), body, hashlib.sha256).digest()).decode()
        return client.post(
            f"/hooks/{slug}/", body, content_type="application/json", headers={"x-toy": signature, **headers}
        )

    return post


def told(event="e1", order_id="o1"):
    return {"topic": "order.updated", "id": order_id, "event": event}


def test_a_webhook_is_stored_raw_and_rings_for_the_inbox(
    knock, house, rings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        answer = knock(told())
    assert (answer.status_code, answer.json()) == (200, {"detail": "new"})
    event = Event.objects.get()
    assert json.loads(bytes(event.body)) == told()
    assert (event.kind, event.external_id, event.state) == ("order", "o1", "new")
    assert "x-toy" not in event.headers
    inbox = Job.objects.get(connection=house.shop, name="inbox")
    assert ("portal.sync.tasks.answer", (inbox.pk,)) in rings


def test_a_doubled_webhook_is_stored_once(knock):
    assert [knock(told()).json()["detail"] for _ in range(3)] == ["new", "known", "known"]
    assert Event.objects.count() == 1


def test_a_forged_webhook_is_answered_401_and_not_stored(knock):
    answer = knock(told(), signed_with="guess")
    assert answer.status_code == 401
    assert "signature does not fit" in answer.json()["detail"]
    assert knock({"topic": "order.updated"}).status_code == 401
    assert not Event.objects.exists()


def test_an_unknown_address_is_404_and_one_that_is_switched_off_too(knock, house):
    assert knock(told(), slug="nobody").status_code == 404
    type(house.shop).objects.filter(pk=house.shop.pk).update(enabled=False)
    assert knock(told()).status_code == 404


def test_a_webhook_for_a_connection_that_hears_none_is_refused(knock):
    assert knock(told(), slug="erp").status_code == 401


def test_only_posts_are_taken(client, house):
    assert client.get("/hooks/shop/").status_code == 405


def test_a_body_that_is_too_long_is_413(knock, monkeypatch):
    monkeypatch.setattr("portal.sync.views.LARGEST", 200)
    assert knock(told() | {"filler": "x" * 200}).status_code == 413
    assert knock(told()).status_code == 200


def test_a_length_that_is_no_number_is_413_and_no_crash(knock):
    assert knock(told(), **{"content-length": "many"}).status_code == 413


@pytest.mark.parametrize(
    "where", ["portal.sync.inbox.Event.objects.bulk_create", "portal.sync.inbox.ring_inbox"]
)
def test_nothing_is_acknowledged_that_was_not_committed(knock, monkeypatch, where):
    def away(*_, **__):
        raise OperationalError("the database is away")

    monkeypatch.setattr(where, away)
    assert knock(told()).status_code == 503
    monkeypatch.undo()
    assert not Event.objects.exists()


def test_a_ping_is_answered_and_leaves_nothing(knock):
    assert knock({"topic": "ping"}).status_code == 200
    assert not Event.objects.exists()


def test_the_object_is_read_again_and_the_webhooks_own_copy_is_not_believed(knock, house):
    house.shop_remote.feed["order"] = [order(1, 7, note="true")]
    knock(told() | {"note": "stale"})
    knock(told("e2"))
    assert house.work(house.shop, "inbox") == "1 new, 2 events"
    assert (Order.objects.get().version, Order.objects.get().data["note"]) == (7, "true")
    assert [name for name, _ in house.shop_remote.calls if name == "fetch_order"] == ["fetch_order"]
    assert set(Event.objects.values_list("state", flat=True)) == {"done"}
    assert house.states() == ["ready"]


def test_a_webhook_and_a_poll_of_the_same_version_are_one_order(knock, house):
    house.shop_remote.feed["order"] = [order(1, 7)]
    knock(told())
    house.work(house.shop, "inbox")
    house.work(house.shop, "pull:order")
    house.deliver()
    assert Order.objects.count() == 1
    assert len(house.erp_remote.did("order")) == 1


def test_an_object_that_is_gone_closes_its_event(knock, house):
    knock(told(order_id="gone"))
    house.work(house.shop, "inbox")
    assert Event.objects.get().state == "gone"


def test_a_kind_that_cannot_be_fetched_one_by_one_is_pulled(
    knock, house, rings, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        knock({"topic": "refund.created", "id": "r1", "event": "e9"})
        house.work(house.shop, "inbox")
    refunds = Job.objects.get(connection=house.shop, name="pull:refund")
    assert ("portal.sync.tasks.answer", (refunds.pk,)) in rings
    assert Event.objects.get().state == "done"


def test_an_inbox_with_nothing_in_it_does_not_call_a_broken_connection_mended(house):
    type(house.shop).objects.filter(pk=house.shop.pk).update(health="broken", failures=3)
    house.work(house.shop, "inbox")
    house.shop.refresh_from_db()
    assert house.shop.health == "broken"
