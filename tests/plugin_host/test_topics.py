"""Webhook topics of a plugin's own: subscribed with the connector's, and told to those that asked."""

import base64
import hashlib
import hmac
import json

import pytest
from django.db import OperationalError

from portal.plugins.manager import plugins
from portal.sdk import Topic, WebhookHeard
from portal.sync.hooks import subscribe
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Event, Notice
from tests.plugin_host.hooked import implement
from tests.toys import ToyShop


@pytest.fixture
def asked(owned, monkeypatch):
    """The plugin `shops` wants to hear of `returns.created`; what it was told, and what the shop was asked for."""
    told, topics = [], []
    monkeypatch.setitem(plugins()._things, Topic, [("shops", Topic("toyshop", "returns.created"))])
    implement(monkeypatch, "on_webhook", shops=lambda event: told.append(event), others=lambda event: 1 / 0)
    monkeypatch.setattr("portal.sync.jobs.hooks_of", lambda plugin: "on_webhook" * (plugin == "shops"))
    ensure_jobs()

    class Telling(ToyShop):
        def subscribe_topics(self, url, secret, names):
            topics.append((url, names))
            return f"It tells of {', '.join(names)}, too."

    monkeypatch.setitem(plugins()._connectors, "toyshop", Telling)
    return told, topics


@pytest.fixture
def knock(client, owned):
    def post(topic, event="e1"):
        body = json.dumps({"topic": topic, "id": "r1", "event": event}).encode()
        secret = owned.shop.webhook_secrets[0].encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        return client.post("/hooks/shop/", body, "application/json", headers={"x-toy": signature})

    return post


def test_register_topics_subscribes_them_beside_the_connectors_own(owned, asked):
    _, topics = asked
    said = subscribe(owned.shop)
    assert said.startswith("Toy shop tells ")
    assert said.endswith("It tells of returns.created, too.")
    assert topics == [(said.split()[3].rstrip("."), ["returns.created"])]


def test_a_connector_that_cannot_be_asked_for_topics_says_so(owned, asked, monkeypatch):
    monkeypatch.setitem(plugins()._connectors, "toyshop", ToyShop)
    assert "SHOP cannot be asked for returns.created, which plugins want" in subscribe(owned.shop)


def test_on_webhook_is_told_to_the_plugin_that_asked_and_to_nobody_else(owned, asked, knock):
    told, _ = asked
    assert knock("returns.created").json() == {"detail": "new"}
    assert knock("returns.created").json() == {"detail": "known"}
    assert [notice.plugin for notice in Notice.objects.all()] == ["shops"]
    owned.work(None, "tell:shops")
    (event,) = told
    assert isinstance(event, WebhookHeard)
    assert (event.topic, event.external_id, event.connection.slug) == ("returns.created", "r1", "shop")
    assert json.loads(event.body)["event"] == "e1"
    assert Event.objects.get().state == "done", "there is nothing to read again"


def test_a_webhook_is_not_stored_unless_the_plugin_is_told_of_it(owned, asked, knock, monkeypatch):
    def away(*_, **__):
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr("portal.sync.topics.announce", away)
        assert knock("returns.created").status_code == 503
    assert not Event.objects.exists()
    assert knock("returns.created").json() == {"detail": "new"}


def test_a_topic_that_nobody_wants_is_not_kept(owned, asked, knock):
    knock("customers.updated")
    assert not Event.objects.exists()
    assert not Notice.objects.exists()
