from decimal import Decimal

import pytest
import requests

from portal.testing import Remote, Reply
from portal.testing.faults import BROKEN, CUT, LOST, slow_down
from portal.testing.script import Request, choose, dump, route


def asked(method, target, body=b""):
    return Request(method, target, {}, body, says=body.decode())


def get(remote, path, **options):
    return requests.get(remote.url + path, timeout=5, **options)


@pytest.fixture
def remote(scripted_remote):
    return scripted_remote(
        {
            "GET /orders": {"list": [1], "next": "{url}/orders?page=2"},
            "GET /orders?page=2": {"list": [2]},
            "POST /search": {"found": []},
            "POST /orders": Reply(201, {"id": "9"}, {"Location": "{url}/orders/9"}),
        },
        reads=["POST /search"],
    )


@pytest.mark.parametrize(
    "target, chosen",
    [
        ("/orders", "GET /orders"),
        ("/orders?limit=5", "GET /orders"),
        ("/orders?page=2&limit=5", "GET /orders?page=2"),
        ("/orders/7", "GET /orders/*"),
        ("/orders/8", "GET /orders/8"),
        ("/orders?since=2026-01-01T00:00:00%2B02:00", "GET /orders?since=2026-01-01T00:00:00+02:00"),
        ("/parcels", None),
    ],
)
def test_the_route_that_says_most_answers(target, chosen):
    routes = ["GET /orders", "GET /orders?page=2", "GET /orders/*", "GET /orders/8",
              "GET /orders?since=2026-01-01T00:00:00+02:00", "POST /orders"]  # fmt: skip
    assert choose(dict.fromkeys(routes), asked("GET", target)) == chosen


def test_a_route_may_ask_for_a_text_in_the_body():
    routes = dict.fromkeys(["POST /graphql", "POST /graphql ~orders("])
    assert choose(routes, asked("POST", "/graphql", b"{orders(first: 2)}")) == "POST /graphql ~orders("
    assert choose(routes, asked("POST", "/graphql", b"{shop}")) == "POST /graphql"


def test_the_route_with_the_most_text_wins_not_the_one_with_the_most_parts():
    routes = dict.fromkeys(
        ["POST /graphql ~a ~b", "POST /graphql ~{a b long}", "POST /g* ~{ ~a ~b ~l ~o ~n ~g"]
    )
    assert choose(routes, asked("POST", "/graphql", b"{a b long}")) == "POST /graphql ~{a b long}"
    starred = dict.fromkeys(["GET /orders?after=12*", "GET /orders?after=12"])
    assert choose(starred, asked("GET", "/orders?after=12")) == "GET /orders?after=12"


def test_a_star_in_a_text_is_a_star():
    routes = {"POST /graphql ~after: * first": 1, "POST /graphql ~after: ~ first": 2}
    assert choose(routes, asked("POST", "/graphql", b"after: 7, first")) == "POST /graphql ~after: ~ first"


def test_what_has_no_answer_is_told_by_what_it_says_and_the_nearest_route(scripted_remote):
    remote = scripted_remote(
        {
            "GET /me": {},
            "POST /admin-api ~products( ~after: 9": {},
            "POST /admin-api ~orders( ~after: 9": {},
        }
    )
    query = "{orders(after: 8)\n {" + "id " * 100
    assert requests.post(f"{remote.url}/admin-api", data=query, timeout=5).status_code == 404
    (told,) = remote.unanswered
    assert told.startswith("POST /admin-api saying “{orders(after: 8) {id id ")
    assert told.endswith(" i…” (nearest is “POST /admin-api ~orders( ~after: 9”)")
    assert 250 < len(told) < 300


def test_what_is_no_route_is_told_at_once():
    with pytest.raises(ValueError, match="is not a route"):
        route("/orders")
    with pytest.raises(ValueError, match="is not a route"):
        Remote({"orders": {}})


def test_numbers_are_sent_digit_by_digit():
    assert (
        dump({"sum": Decimal("98765432109876.49"), "text": "ü"})
        == '{"sum": 98765432109876.49, "text": "ü"}'.encode()
    )


def test_answers_know_the_address_and_requests_are_kept(remote):
    assert get(remote, "/orders").json()["next"] == f"{remote.url}/orders?page=2"
    made = requests.post(f"{remote.url}/orders", json={"a": 1.10}, timeout=5)
    assert (made.status_code, made.headers["Location"]) == (201, f"{remote.url}/orders/9")
    requests.post(f"{remote.url}/search", timeout=5)
    assert get(remote, "/nowhere").status_code == 404
    assert [str(request) for request in remote.writes] == ["POST /orders"]
    assert remote.writes[0].json == {"a": Decimal("1.1")}
    assert remote.unanswered == ["GET /nowhere (nearest is “GET /orders”)"]


def test_a_fault_begins_when_it_is_told_to_and_spares_reads_when_it_should(remote):
    remote.fail(BROKEN[0], after=1)
    assert [get(remote, "/orders").status_code for _ in range(3)] == [200, 500, 500]
    remote.fail(BROKEN[0], writes_only=True)
    assert get(remote, "/orders").status_code == 200
    assert requests.post(f"{remote.url}/search", timeout=5).status_code == 200
    assert requests.post(f"{remote.url}/orders", timeout=5).status_code == 500
    remote.fail(None)
    assert requests.post(f"{remote.url}/orders", timeout=5).status_code == 201


@pytest.mark.parametrize(
    "fault, error",
    [
        (CUT[0], requests.exceptions.ChunkedEncodingError),
        (CUT[1], requests.exceptions.JSONDecodeError),
        (LOST[0], requests.exceptions.ConnectionError),
        (LOST[1], requests.exceptions.ConnectionError),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_an_answer_is_spoilt_on_its_way_after_it_was_asked(remote, fault, error):
    remote.fail(fault)
    with pytest.raises(error):
        get(remote, "/orders").json()
    assert len(remote.requests) == 1


def test_the_wait_is_told_in_seconds_and_as_a_date(remote):
    told = []
    for fault in slow_down():
        remote.fail(fault)
        told.append(get(remote, "/orders").headers["Retry-After"])
    assert told[0] == "37"
    assert told[1].endswith("GMT")


def test_a_client_in_a_circle_gets_out_of_it(remote):
    remote.patience = 3
    assert [get(remote, "/orders").status_code for _ in range(4)] == [200, 200, 200, 500]
