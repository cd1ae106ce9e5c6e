import http.client
import json
import time
from email.utils import parsedate_to_datetime

import pytest

from portal.testing.shop import Plan, ShopServer
from portal.testing.shop.faults import CALL_KINDS, Faults

LOST = {
    "reset_before": ConnectionResetError,
    "reset_after": ConnectionResetError,
    "truncated": http.client.IncompleteRead,
}
STATUS = {"throttled": 429, "throttled_until": 429, "error_before": 503, "error_after": 500, "html": 502}
DONE = {"latency", "error_after", "reset_after", "truncated", "malformed", "html"}


@pytest.mark.parametrize("kind", CALL_KINDS)
def test_each_fault_does_or_leaves_the_work_and_is_counted(shop, client, kind):
    shop.faults.use(Plan(latency=1, retry_after=7))
    shop.faults.next(kind, method="PUT", path="/api/stock")
    client.get("/api/stock?limit=1")  # another method: the fault waits for its call
    begin = time.monotonic()
    if kind in LOST:
        with pytest.raises(LOST[kind]) as lost:
            client.raw("PUT", "/api/stock/v101/loc-1", {"available": 5})
        # An orderly end without an answer would be http.client's RemoteDisconnected, which is one of these.
        assert lost.type is LOST[kind]
    else:
        answer, body = client.raw("PUT", "/api/stock/v101/loc-1", {"available": 5})
        assert answer.status == STATUS.get(kind, 200)
        if kind == "malformed":
            with pytest.raises(json.JSONDecodeError):
                json.loads(body)
        if kind == "html":
            assert body.startswith(b"<!doctype html>")
        if kind == "throttled":
            assert answer.headers["Retry-After"] == "7"
        if kind == "throttled_until":
            wait = parsedate_to_datetime(answer.headers["Retry-After"]).timestamp() - time.time()
            assert 4 < wait <= 7
    assert (time.monotonic() - begin >= 1) == (kind == "latency")
    client.connection.close()
    assert len(shop.store.effects()) == (1 if kind in DONE else 0)
    assert client.get("/_demo/faults")["injected"] == {kind: 1}
    assert client("PUT", "/api/stock/v101/loc-1", {"available": 6})[0] == 200


def test_a_login_page_comes_only_by_script(client):
    client("POST", "/_demo/faults/next", {"kind": "login_page"})
    answer, body = client.raw("GET", "/api/shop")
    assert (answer.status, body[:15]) == (200, b"<!doctype html>")
    assert "login_page" not in CALL_KINDS


def test_the_back_door_never_meets_a_fault(client):
    status, report = client("PUT", "/_demo/faults", {"rate": 1, "kinds": ["error_before"], "seed": 3})
    assert (status, report["plan"]["rate"]) == (200, 1)
    assert client("GET", "/api/shop")[0] == 503
    assert client("GET", "/_demo/truth")[0] == client("GET", "/_demo/effects")[0] == 200
    assert client("PUT", "/_demo/faults", {})[0] == 200
    assert client("GET", "/api/shop")[0] == 200


def test_a_seed_deals_the_same_faults_again_at_about_its_rate():
    def dealt(seed):
        faults = Faults(Plan(rate=0.05, seed=seed))
        return [faults.for_call("GET", "/api/orders") for _ in range(4000)]

    assert dealt(1) == dealt(1) != dealt(2)
    assert 140 < sum(fault is not None for fault in dealt(1)) < 260
    assert set(dealt(1)) == {None, *CALL_KINDS}


def test_a_shop_can_begin_with_faults(client_of):
    with ShopServer(faults=Plan(rate=1, kinds=("throttled",))) as shop:
        assert client_of(shop)("GET", "/api/shop")[0] == 429
