"""What staff read when something is wrong: one test for each of the usual mistakes, with the bundled connectors,
a real shop server, and what the portal shows."""

import json

import pytest
from django.urls import reverse

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.demo.stage import free_port
from portal.sync.health import probe
from portal.sync.jobs import ensure_jobs
from portal.sync.models import Case, Event, Flow, Job, Operation
from portal.sync.tasks import answer
from portal.testing.shop import ShopServer, message, sign

TOKEN = "demo-token"
TRYTON = {"database": "tryton", "key": "a-key", "web_shop": "1"}


@pytest.fixture(scope="module")
def server():
    with ShopServer() as running:
        yield running


@pytest.fixture
def connect(db):
    def make(slug, connector, **values):
        return save_connection(Connection(slug=slug, name=slug.title(), connector=connector), values)

    return make


@pytest.fixture
def house(connect, server, httpserver):
    """The shop, a Tryton that is whatever ``httpserver`` answers, and orders flowing from one to the other."""
    shop = connect("shop", "demoshop", url=server.url, token=TOKEN)
    erp = connect("erp", "tryton", url=httpserver.url_for(""), **TRYTON)
    Flow.objects.create(kind="order", source=shop, target=erp, state=Flow.State.LIVE)
    ensure_jobs()
    return shop, erp


def work(connection, name):
    return answer(Job.objects.get(connection=connection, name=name).pk)


def sell(server):
    return server.trade.place(
        {
            "currency": "EUR",
            "tax_included": True,
            "location": "BER",
            "lines": [{"sku": "TEA-001", "quantity": 1}],
        }
    )


def test_a_wrong_password_says_whose_it_is_and_where_to_enter_it_again(connect, server):
    shop = connect("shop", "demoshop", url=server.url, token="wrong-token")
    works, said = probe(shop)
    assert not works
    assert "refused our credentials" in said
    assert "Enter the key or password again" in said
    assert "wrong-token" not in said
    assert Connection.objects.get().get_health_display() == "needs mending"


def test_an_unreachable_host_is_named_and_waited_for(connect):
    shop = connect("shop", "demoshop", url=f"http://127.0.0.1:{free_port()}", token=TOKEN)
    works, said = probe(shop)
    assert not works
    assert f"{shop.settings['url']} cannot be reached." in said
    assert "whether the server is running" in said
    shop.refresh_from_db()
    assert shop.get_health_display() == "waiting for the remote"
    assert shop.resting_until is not None


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{not json", "not what the shop sends"),
        (b'{"topic": "order.created"}', "not what the shop sends"),
        (b"", "not what the shop sends"),
    ],
)
def test_a_malformed_webhook_is_refused_with_its_reason_and_not_stored(house, client, body, sentence):
    shop, _ = house
    said = client.post(
        reverse("hook", args=["shop"]),
        body,
        content_type="application/json",
        headers={"X-Shop-Signature": sign(body, shop.webhook_secrets[0])},
    )
    assert said.status_code == 401
    assert sentence in said.json()["detail"]
    assert not Event.objects.exists()


def test_a_forged_webhook_is_refused_and_an_honest_one_is_taken(house, client, server):
    shop, _ = house
    order = sell(server)
    for secret, status in (("not-the-secret", 401), (shop.webhook_secrets[0], 200)):
        body, headers = message("e1", "order.created", order, secret)
        said = client.post(
            reverse("hook", args=["shop"]), body, content_type="application/json", headers=headers
        )
        assert said.status_code == status, said.content
    assert Event.objects.get().external_id == order["id"]


def test_a_missing_sku_holds_that_order_and_says_which_and_what_to_do(house, server):
    shop, erp = house
    sell(server)
    work(shop, "pull:order")
    work(erp, "deliver")
    held = Operation.objects.latest("pk")
    assert held.state == "held"
    assert "not tied to anything in Erp" in held.message
    case = Case.objects.get(cause__startswith="missing-")
    assert "Create it in Erp under the same name, or tie it under References." in case.mend
    assert "Everything that waits for it goes on by itself." in case.mend


def test_a_tryton_that_answers_with_a_web_page_is_a_wrong_address_not_a_crash(house, httpserver):
    httpserver.expect_request("/").respond_with_data("")
    _, erp = house
    page = "<!DOCTYPE html><html><body>Welcome to our intranet</body></html>"
    for path in ("/tryton/rest/model/stock.location", "/tryton/rest/model/company.company"):
        httpserver.expect_request(path).respond_with_data(page, content_type="text/html")
    said = work(erp, "pull:location")
    erp.refresh_from_db()
    assert "answered with a web page instead of JSON" in said
    assert "Check the address" in erp.health_text
    assert erp.get_health_display() == "needs mending"
    case = Case.objects.get(cause="connection")
    assert "Check the address" in case.mend
    assert "Traceback" not in json.dumps([said, erp.health_text, case.title])
