"""The wire spoils what it is told to, after the server has done its work."""

import time

import pytest

from portal.sdk import Http, OutcomeUnknown, RetryLater
from portal.testing import Remote
from portal.testing.proxy import Proxy
from tests.waiting import eventually


@pytest.fixture
def wire():
    with Remote({"POST /orders": {"id": "1"}, "GET /orders": []}) as remote, Proxy(remote.url) as proxy:
        proxy.remote = remote
        proxy.http = Http(proxy.url, timeout=(1, 0.5))
        yield proxy
        proxy.http.close()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("reset", "broke the connection"),
        ("stall", "did not answer within 0.5 seconds"),
        ("truncate", "answered with something that is not JSON"),
    ],
)
def test_an_answer_that_is_lost_on_the_wire_leaves_the_outcome_unknown(wire, how, said):
    wire.spoil(how)
    with pytest.raises(OutcomeUnknown, match=said):
        wire.http.post("orders", json={}).json()
    with pytest.raises(RetryLater):
        wire.http.get("orders").json()
    assert [str(request) for request in wire.remote.requests] == ["POST /orders", "GET /orders"]


def test_an_answer_may_come_late(wire):
    wire.spoil("delay", 0.1)
    began = time.monotonic()
    assert wire.http.post("orders", json={}).json() == {"id": "1"}
    assert time.monotonic() - began >= 0.1


def test_a_request_may_arrive_twice_and_is_answered_once(wire):
    wire.spoil("duplicate")
    assert wire.http.post("orders", json={"n": 1}).json() == {"id": "1"}
    eventually(lambda: len(wire.remote.requests) >= 2)
    assert [request.json for request in wire.remote.requests] == [{"n": 1}, {"n": 1}]


def test_a_wire_that_is_mended_carries_everything_again(wire):
    wire.spoil("reset")
    with pytest.raises(OutcomeUnknown):
        wire.http.post("orders", json={})
    wire.spoil("")
    assert wire.http.post("orders", json={}).json() == {"id": "1"}
