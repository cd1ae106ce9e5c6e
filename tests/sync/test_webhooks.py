"""Where remotes knock: verified on raw bytes, stored, committed, answered; the object is read again."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from io import BytesIO

import pytest
from django.db import InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.utils import timezone

from portal.connections.webhook_secrets import add_webhook_secret, mark_of, retire_webhook_secret
from portal.records.models import Order
from portal.sdk import Hint
from portal.sync.hooks import last_won_back
from portal.sync.models import Case, Event, Job, Refusals
from portal.sync.refusals import MANY
from portal.sync.views import hook
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


def test_a_secret_is_exchanged_without_losing_a_webhook(knock, house):
    old = house.shop.webhook_secrets[0]
    mark = add_webhook_secret(house.shop)
    new = house.shop.webhook_secrets[0]
    assert [knock(told(f"{n}"), signed_with=key).status_code for n, key in enumerate([old, new])] == [
        200,
        200,
    ]
    assert list(Event.objects.order_by("pk").values_list("signed_with", flat=True)) == [mark_of(old), mark]
    retire_webhook_secret(house.shop, mark_of(old))
    assert [knock(told(f"{n}"), signed_with=key).status_code for n, key in enumerate([old, new], 2)] == [
        401,
        200,
    ]
    assert knock({"topic": "ping"}, signed_with=old).status_code == 401


def test_a_refused_webhook_is_counted_by_the_hour_and_many_become_a_case(knock, house):
    for _ in range(MANY - 1):
        knock(told(), signed_with="guess")
    assert not Case.objects.exists()
    knock({"topic": "order.updated"})
    counted = Refusals.objects.get(connection=house.shop)
    assert (counted.count, counted.reason) == (MANY, "The webhook names no object.")
    case = Case.objects.get(cause="refused-webhooks")
    assert "enter it with Add webhook secret" in case.mend
    assert (
        "20 refused within the hour; the last because: The webhook names no object."
        in case.items.get().message
    )

    house.work(house.shop, "hooks")
    assert Case.objects.get().state == "open"
    Refusals.objects.update(last_at=timezone.now() - timedelta(hours=2))
    house.work(house.shop, "hooks")
    assert Case.objects.get().state == "resolved"


def test_a_refusal_that_cannot_be_counted_is_a_refusal_all_the_same(knock, monkeypatch):
    def away(*_):
        raise OperationalError("the database is away")

    monkeypatch.setattr("portal.sync.views.count_refusal", away)
    assert knock(told(), signed_with="guess").status_code == 401


@pytest.mark.parametrize(
    "spoilt",
    [
        {"id": ""},
        {"id": "x" * 201},
        {"id": "o\0"},
        {"id": "o\ud800"},
        {"event": 7},
        {"event": None},
    ],
)
def test_a_signed_webhook_whose_ids_are_none_is_refused_with_a_sentence(knock, spoilt):
    answer = knock(told() | spoilt)
    assert answer.status_code == 401
    assert "The webhook is signed, but" in answer.json()["detail"]
    assert not Event.objects.exists()


def test_what_a_webhook_tells_of_a_kind_that_nobody_reads_is_answered_and_left(knock):
    assert knock(told() | {"topic": "customer_group_membership.created"}).status_code == 200
    assert not Event.objects.exists()


def test_an_event_without_a_key_is_known_by_its_body_and_long_keys_stay_apart(knock):
    for body in (told(""), told("", "o2"), told("e" * 500 + "1"), told("e" * 500 + "2")):
        assert [knock(body).json()["detail"] for _ in range(2)] == ["new", "known"]


def test_two_objects_told_under_one_key_are_two_events(knock, house, monkeypatch):
    both = [Hint("order.updated", "order", external_id, "e1") for external_id in ("o1", "o2")]
    monkeypatch.setattr("tests.toys.ToyShop.hear", lambda *_: both)
    assert [knock(told()).json()["detail"] for _ in range(2)] == ["new", "known"]
    assert set(Event.objects.values_list("external_id", flat=True)) == {"o1", "o2"}


def test_an_unknown_address_is_404_and_one_that_is_switched_off_too(knock, house):
    assert knock(told(), slug="nobody").status_code == 404
    assert knock(told()).status_code == 200
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


@pytest.mark.parametrize("length", ["many", "9" * 5000, "-1"])
def test_a_length_that_is_no_number_is_413_and_no_crash(knock, length):
    assert knock(told(), **{"content-length": length}).status_code == 413


@pytest.mark.parametrize("size, status", [(100, 401), (3000, 413)])
def test_a_body_sent_in_chunks_is_read_to_its_end_or_its_limit(house, rf, monkeypatch, size, status):
    monkeypatch.setattr("portal.sync.views.LARGEST", 2000)
    request = rf.generic("POST", "/hooks/shop/")
    request.META |= {"wsgi.input": BytesIO(b"x" * size), "wsgi.input_terminated": True}
    request.META.pop("CONTENT_LENGTH", None)
    assert hook(request, "shop").status_code == status


def test_a_body_that_breaks_off_is_asked_for_again(house, rf, monkeypatch):
    def breaks_off(_):
        raise UnreadablePostError("the connection was closed")

    monkeypatch.setattr("portal.sync.views._body", breaks_off)
    answer = hook(rf.post("/hooks/shop/"), "shop")
    assert (answer.status_code, b"please send it again" in answer.content) == (400, True)


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_nothing_is_acknowledged_that_was_not_committed(knock, monkeypatch, error):
    def away(*_, **__):
        raise error("the database is away")

    knock(told("e0"))
    monkeypatch.setattr("portal.sync.inbox.ask", away)
    assert knock(told()).status_code == 503
    monkeypatch.undo()
    assert Event.objects.count() == 1


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


def test_a_subscription_found_gone_is_made_anew_and_what_was_missed_is_read(house, rings, monkeypatch):
    there = iter([False, True])
    monkeypatch.setattr("tests.toys.ToyShop.subscribed", lambda *_: next(there), raising=False)
    Job.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert house.work(house.shop, "hooks") == "1 won back"
    orders = Job.objects.get(connection=house.shop, name="pull:order")
    assert orders.due_at <= timezone.now()
    found_gone = last_won_back(house.shop)
    assert found_gone is not None
    assert house.work(house.shop, "hooks") == "1 unchanged"
    assert last_won_back(house.shop) == found_gone
    assert len([name for name, _ in house.shop_remote.calls if name == "subscribe"]) == 2
