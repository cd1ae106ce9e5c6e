"""What one webhook costs: a single statement, and nothing that is there for people's requests."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError
from django.db import connection as database
from django.utils import timezone

from portal.connections.kept import kept
from portal.connections.plugin_settings import save_values
from portal.connections.services import save_connection
from portal.plugins.manager import plugins
from portal.sdk import PluginSettings
from portal.sync import inbox, planned
from portal.sync.models import Event, Job


@pytest.fixture
def knock(client, house):
    def post(event="e1", **options):
        body = json.dumps({"topic": "order.updated", "id": "o1", "event": event}).encode()
        secret = house.shop.webhook_secrets[0].encode()
        signature = base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()
        return client.post("/hooks/shop/", body, "application/json", headers={"x-toy": signature, **options})

    return post


@pytest.fixture
def rung(house):
    """Somebody rang for the inbox a moment ago, and nobody has answered yet."""
    now = timezone.now()
    job = Job.objects.filter(connection=house.shop, name="inbox")
    job.update(due_at=now - timedelta(seconds=1), rung_at=now)
    return job


def test_a_webhook_is_verified_stored_and_committed_with_one_statement(
    knock, rung, monkeypatch, django_assert_max_num_queries
):
    knock("e0")
    asked, ask = [], planned._ask
    monkeypatch.setattr(planned, "_ask", lambda *words: asked.append(words) or ask(*words))
    with django_assert_max_num_queries(1):  # what PostgreSQL has planned before passes Django's count
        assert knock().json() == {"detail": "new"}
    assert len(asked) == 1


@pytest.mark.skipif(database.vendor != "postgresql", reason="SQLite keeps its statements by itself")
def test_postgresql_plans_the_statement_of_a_webhook_once(knock):
    knock("e0")
    knock("e1")
    with database.cursor() as cursor:
        cursor.execute(
            "SELECT custom_plans + generic_plans FROM pg_prepared_statements WHERE statement LIKE %s",
            ["INSERT INTO sync_event%"],
        )
        assert cursor.fetchall() == [(2,)]


@pytest.mark.parametrize(
    "row, rings_again",
    [
        ({}, False),
        ({"rung_at": None}, True),
        ({"rung_at": timezone.now() - timedelta(seconds=30)}, True),
        ({"due_at": timezone.now() + timedelta(hours=1)}, True),
        ({"rung_at": None, "enabled": False}, False),
    ],
)
def test_the_inbox_is_rung_for_unless_somebody_did_a_moment_ago(knock, rung, monkeypatch, row, rings_again):
    rung.update(**row)
    rings = []
    monkeypatch.setattr("portal.sync.inbox.ring_inbox", rings.append)
    assert knock().status_code == 200
    assert bool(rings) == rings_again


def test_a_connector_is_kept_open_until_its_connection_is_changed(house, knock):
    knock("e0")
    first = kept("shop")
    knock("e1")
    assert kept("shop") is first
    save_connection(house.shop, {"name": "shop", "token": "another-token"})
    assert knock("e2").json() == {"detail": "new"}
    assert kept("shop").connector.settings.token.get_secret_value() == "another-token"
    assert not first.holds()


class ShopsSettings(PluginSettings):
    region: str


def test_a_connector_is_opened_anew_when_its_plugins_own_settings_are_saved(house, knock, monkeypatch):
    monkeypatch.setattr(plugins(), "_owners", {"toyshop": "shops"})
    monkeypatch.setattr(plugins(), "_settings", {"shops": ShopsSettings})
    save_values("shops", {"region": "north"})
    knock("e0")
    first = kept("shop")
    knock("e1")
    assert kept("shop") is first
    save_values("shops", {"region": "south"})
    assert knock("e2").json() == {"detail": "new"}
    assert kept("shop") is not first


def test_a_connection_that_moved_is_not_heard_at_its_old_address(house, knock):
    knock("e0")
    type(house.shop).objects.filter(pk=house.shop.pk).update(slug="moved")
    assert knock("e1").status_code == 404
    assert Event.objects.count() == 1


def test_what_was_not_stored_is_not_called_known_because_the_connection_was_off_for_a_moment(
    knock, monkeypatch
):
    knock("e0")
    store, off = inbox._store, iter([True])
    monkeypatch.setattr(inbox, "_store", lambda *told: 0 if next(off, False) else store(*told))
    assert knock().json() == {"detail": "new"}
    assert Event.objects.count() == 2


def test_a_webhook_passes_by_what_is_there_for_people_and_not_by_what_secures(knock, client, settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.sync.test_hearing.for_people"]
    with pytest.raises(ZeroDivisionError):
        client.get("/health/")
    assert knock().status_code == 200
    assert knock("e2", host="elsewhere.example").status_code == 400
    assert client.post("/hooks/nothing/more/").status_code == 404
    settings.SECURE_SSL_REDIRECT = True
    client.handler.load_middleware()
    assert knock("e3").status_code == 301


def for_people(_):
    def answer(_):
        raise ZeroDivisionError

    return answer


@pytest.mark.parametrize(
    "about, tries", [({}, 2), ({"is_usable": lambda: True}, 1), ({"in_atomic_block": True}, 1)]
)
def test_a_statement_is_tried_once_more_only_where_the_database_has_dropped_us(monkeypatch, about, tries):
    tried = []

    def broken(*_):
        tried.append(1)
        raise OperationalError("server closed the connection unexpectedly")

    here = {"connection": object(), "in_atomic_block": False, "is_usable": lambda: False}
    monkeypatch.setattr(planned, "database", SimpleNamespace(**{**here, **about}))
    closed = []
    planned.database.close = lambda: closed.append(1)
    monkeypatch.setattr(planned, "_ask", broken)
    with pytest.raises(OperationalError):
        planned.ask("", [])
    assert (len(tried), len(closed)) == (tries, tries - 1)
