"""Wrong settings and a broken server give a sentence to a person, never a traceback or a secret."""

import json

import pytest

from plugins.tryton import Tryton
from plugins.tryton.server import TrytonServer
from portal.sdk import Misconfigured, OutcomeUnknown, RetryLater
from tests.plugins.tryton.makers import change, line, order

KEY = "0123456789abcdef-the-key"


@pytest.fixture
def connect(settings):
    made = []

    def make(**changes):
        made.append(Tryton(Tryton.Settings(**settings | changes)))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


@pytest.fixture
def broken(httpserver):
    """A connector to a server that is no Tryton: ``httpserver`` says what it answers."""
    where = {"url": httpserver.url_for("/"), "database": "tryton", "key": KEY, "web_shop": "Web shop"}
    connector = Tryton(Tryton.Settings(**where))
    yield connector
    connector.close()


@pytest.mark.tryton
def test_a_working_connection_says_what_it_found(connect):
    said = connect().check()
    assert said == "Portal Demo GmbH, web shop “Web shop”, warehouses BER, VIE, LIN"


@pytest.mark.tryton
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"key": "wrong" * 8}, "refused our credentials"),
        ({"database": "nowhere"}, "no Tryton database “nowhere”"),
        ({"web_shop": "Boutique"}, "no web shop named “Boutique”"),
        ({"shipping_product": "FREIGHT"}, "no service with the code “FREIGHT”"),
        ({"refund_product": "TEA-001"}, "no service with the code “TEA-001”"),
        ({"payment_term": "Never"}, "no payment term named “Never”"),
        ({"url": "tryton.example.com"}, "not an address"),
    ],
)
def test_a_wrong_setting_is_named(changes, sentence, connect):
    with pytest.raises(Misconfigured, match=sentence) as told:
        connect(**changes).check()
    assert "wrongwrong" not in repr(told.value)


def test_a_server_that_is_not_there_is_named_and_tried_again():
    connector = Tryton(Tryton.Settings(url="http://127.0.0.1:9", database="t", key=KEY, web_shop="W"))
    with pytest.raises(RetryLater, match="cannot be reached") as told:
        connector.check()
    assert told.value.whole_connection


@pytest.mark.parametrize("status", [200, 400])
def test_a_web_page_instead_of_json_is_a_wrong_address(status, broken, httpserver):
    httpserver.expect_request("/tryton/rest/model/company.company").respond_with_data(
        "<!doctype html><title>Login</title>", status=status, content_type="text/html"
    )
    with pytest.raises(Misconfigured, match=r"web page|does not understand"):
        broken.check()


def test_a_busy_database_is_tried_again(broken, httpserver):
    httpserver.expect_request("/tryton/rest/model/company.company").respond_with_data("", status=503)
    with pytest.raises(RetryLater, match="busy"):
        broken.check()


@pytest.mark.parametrize(
    "answer", [{"status": 500, "response_data": KEY}, {"status": 200, "response_data": '{"id": 1, "sta'}]
)
def test_a_lost_or_broken_answer_to_a_new_sale_is_an_unknown_outcome(answer, broken, httpserver):
    def tells(model, *rows):
        httpserver.expect_request(f"/tryton/rest/model/{model}", method="GET").respond_with_data(
            json.dumps(rows)
        )

    tells("web.shop", {"id": 1})
    tells("company.company", {"id": 1, "party": {"name": "X"}, "currency": {"code": "EUR"}})
    tells(
        "currency.currency", {"id": 1, "code": "EUR", "rounding": {"__class__": "Decimal", "decimal": "0.01"}}
    )
    tells("ir.configuration", {"product_price_decimal": 8})
    tells("account.tax", {"id": 1, "name": "VAT", "rate": {"__class__": "Decimal", "decimal": "0.19"}})
    tells("account.invoice.payment_term", {"id": 1})
    tells("country.country", {"id": 1, "code": "DE"})
    tells("product.product", {"id": 11, "default_uom": 1})
    tells("party.party", {"id": 1, "name": "Zoë", "addresses": []})
    party = {"id": 1, "addresses": [{"id": 1}]}
    httpserver.expect_request("/tryton/rest/model/party.party/1", method="PUT").respond_with_json(party)
    httpserver.expect_request("/tryton/rest/model/sale.sale", method="POST").respond_with_data(**answer)
    record = order("o1", line("TEA-001", "1", "12.50"))
    refs = {("product", "TEA-001"): "11", ("location", "BER"): "5"}
    with pytest.raises(OutcomeUnknown) as told:
        broken.push_order(change(record, refs))
    assert KEY not in f"{told.value!r} {told.value}"


def test_the_key_is_in_no_repr(broken):
    shown = f"{broken!r} {broken.settings!r} {broken._client!r} {vars(broken._client)!r}"
    assert KEY not in shown


def test_the_server_hides_its_passwords():
    server = TrytonServer("http://127.0.0.1:1", "d", "u", "W", "the-password", KEY, None)
    assert "the-password" not in repr(server)
    assert KEY not in repr(server)
