"""Bad input of every kind: nothing is lost, nobody meets an error page or a traceback, people read the right
sentence, and the neighbours pass. The inputs and the sentences stand in ``malformed.py``."""

import html
import json
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import transaction
from django.utils import timezone

from portal.connections.models import Connection
from portal.connections.services import save_connection
from portal.demo.stage import free_port
from portal.records.models import Order
from portal.sdk import read_each
from portal.sdk.records import KINDS
from portal.sync.apply import apply_page
from portal.sync.jobs import ensure_jobs
from portal.sync.models import CaseItem, Event, Flow, Job
from portal.sync.tasks import answer
from portal.testing.shop import sign
from tests.story.malformed import (
    ANSWERS,
    CONNECTION_FORM,
    FLOW_FORM,
    OBJECTS,
    RECORD_OF,
    RECORDS,
    WEBHOOKS,
    told,
)

GOOD = json.loads(Path("tests/plugins/demoshop/answers.json").read_text())["GET /api/orders"]["items"][0]


class Undone(Exception):
    """Ends one case, of which nothing stays for the next."""


@contextmanager
def one_case():
    try:
        with transaction.atomic():
            yield
            raise Undone
    except Undone:
        pass


@pytest.fixture
def shop(db, httpserver):
    """A demo shop's connection with orders flowing from it; the shop itself answers what it is told to."""
    shop = save_connection(
        Connection(slug="shop", name="Shop", connector="demoshop"),
        {"url": httpserver.url_for("").rstrip("/"), "token": "t-0123456789"},
    )
    erp = save_connection(
        Connection(slug="erp", name="Erp", connector="tryton"),
        {"url": f"http://127.0.0.1:{free_port()}", "database": "t", "key": "k-0123456789", "web_shop": "1"},
    )
    Flow.objects.create(kind="order", source=shop, target=erp, state=Flow.State.LIVE)
    ensure_jobs()
    return shop


@pytest.fixture
def post(shop, client):
    def post(body):
        body = body.replace(b"@now", str(int(time.time())).encode())
        return client.post(
            "/hooks/shop/",
            body,
            content_type="application/json",
            headers={"X-Shop-Signature": sign(body, shop.webhook_secrets[0])},
        )

    return post


@pytest.fixture
def read(shop, httpserver):
    """The orders are read from a shop that answers just this; what the job said."""

    def read(content, **headers):
        httpserver.clear()
        httpserver.expect_request("/api/orders").respond_with_data(
            content, content_type="application/json", headers=headers
        )
        Connection.objects.update(resting_until=None)
        job = Job.objects.get(connection=shop, name="pull:order")
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        return answer(job.pk)

    return read


def page(*raws):
    return f'{{"items": [{", ".join(raws)}], "next_page": null}}'


def order(number, path="", value=""):
    """A good order's JSON, but for one place of it."""
    raw = json.loads(json.dumps(GOOD)) | {"id": f"o{number}", "number": f"#{number}"}
    if not value:
        return json.dumps(raw)
    if not path:
        return value
    *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    place = raw
    for step in steps:
        place = place[step]
    place[last] = "@here"
    return json.dumps(raw).replace('"@here"', value)


def test_a_webhook_is_answered_with_its_sentence_and_the_next_one_is_taken(post, shop):
    wrong = {}
    for what, body, status, sentence in WEBHOOKS:
        with one_case():
            said = post(body)
            stored = Event.objects.count()
            fine = (said.status_code, sentence in said.json()["detail"], stored) == (
                status,
                True,
                sentence == "new",
            )
            if not fine or post(told(event_id='"next"')).json() != {"detail": "new"}:
                wrong[what] = (said.status_code, said.content.decode(), stored)
    assert not wrong


def test_an_answer_that_is_no_page_stops_the_reading_with_its_sentence_and_nothing_is_skipped(read, shop):
    wrong = {}
    for what, content, headers, sentence in ANSWERS:
        with one_case():
            said = read(content, **headers)
            job = Job.objects.get(connection=shop, name="pull:order")
            fine = said.startswith("failed: ") and sentence in job.last_error
            if not fine or "unforeseen" in said or "new" not in read(page(order(1))):
                wrong[what] = (said, job.last_error)
    assert not wrong


def set_aside():
    """What stands in cases, by the id of the order."""
    messages = CaseItem.objects.filter(case__cause="unreadable-order").values_list("message", flat=True)
    return {message.split(" was set aside: ")[0].removeprefix("The order "): message for message in messages}


def test_an_order_that_cannot_be_read_is_set_aside_with_its_sentence_and_its_neighbours_pass(read):
    spoilt = [each for each in OBJECTS if each[1] not in ("", "id")]
    raws = [order(number, path, value) for number, (_, path, value, _) in enumerate(spoilt, 100)]
    read(page(order(1), *raws[::2], order(2), *raws[1::2], order(3)))
    told = set_aside()
    wrong = {
        what: told.get(f"o{number}")
        for number, (what, _, _, sentence) in enumerate(spoilt, 100)
        if sentence not in told.get(f"o{number}", "") or "Traceback" in told[f"o{number}"]
    }
    assert not wrong
    assert set(Order.objects.values_list("number", flat=True)) == {"#1", "#2", "#3"}


def test_what_shows_no_id_is_set_aside_all_the_same(read):
    wrong = {}
    for what, path, value, sentence in OBJECTS:
        if path not in ("", "id"):
            continue
        with one_case():
            said = read(page(order(1), order(2, path, value), order(3)))
            told = " ".join(set_aside().values())
            numbers = set(Order.objects.values_list("number", flat=True))
            if sentence not in told or "Traceback" in told or numbers != {"#1", "#3"}:
                wrong[what] = (said, told, numbers)
    assert not wrong


def test_a_record_that_breaks_its_rules_is_set_aside_with_its_sentence_and_its_neighbour_passes(shop):
    wrong = {}
    for what, kind, fields, sentence in RECORDS:
        with one_case():
            whole = {"external_id": "x1", "version": 1} | RECORD_OF[kind]
            page = read_each(
                [whole | fields, whole | {"external_id": "x2"}],
                KINDS[kind].model_validate,
                id_field="external_id",
            )
            counts = apply_page(shop, kind, page, began=timezone.now())
            told = " ".join(
                CaseItem.objects.filter(case__cause=f"unreadable-{kind}").values_list("message", flat=True)
            )
            if sentence not in told or f"The {kind} x1 was set aside" not in told or counts["rejected"] != 1:
                wrong[what] = (told, dict(counts))
    assert not wrong


@pytest.mark.parametrize("form, cases", [("connection", CONNECTION_FORM), ("flow", FLOW_FORM)])
def test_a_form_says_what_is_wrong_keeps_what_is_right_and_stores_nothing(shop, admin_client, form, cases):
    good = {
        "connection": {
            "name": "New",
            "slug": "new",
            "enabled": "on",
            "setting_url": "http://a",
            "setting_token": "t-123",
        },
        "flow": {
            "kind": "refund",
            "source": str(shop.pk),
            "target": str(Connection.objects.get(slug="erp").pk),
        }
        | {"every": "60", "buffer": "0"},
    }[form]
    address = {
        "connection": "/admin/connections/connection/add/?connector=demoshop",
        "flow": "/admin/sync/flow/add/",
    }[form]
    stored = {"connection": Connection, "flow": Flow}[form].objects
    before, wrong = stored.count(), {}
    for what, entered, sentence in cases:
        said = admin_client.post(address, good | entered)
        text = html.unescape(said.content.decode())
        if said.status_code != 200 or sentence not in text or stored.count() != before:
            found = [str(each) for each in said.context["errors"]] if said.context else said.status_code
            wrong[what] = found
    assert not wrong
    assert admin_client.post(address, good).status_code == 302
