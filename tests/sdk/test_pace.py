"""Calls wait for their turn, and none lasts longer than it may."""

import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from portal.sdk import (
    Http,
    MustWait,
    OutcomeUnknown,
    RetryLater,
)
from portal.sdk.pacing import paced
from tests.sdk.servers import answers


class Calm:
    """A pacer that says no after so many turns, and remembers what it was told."""

    def __init__(self, turns):
        self.turns, self.told = turns, []

    def turn(self):
        self.turns -= 1
        if self.turns < 0:
            raise MustWait("Wait.", after=timedelta(seconds=3))

    def rest(self, wait, why):
        self.told.append((wait, why))


def test_each_call_waits_for_its_turn_and_none_is_made_without(httpserver):
    answers(httpserver)
    with paced(Calm(2)):
        client = Http(httpserver.url_for("/api"))
    client.get("/thing")
    client.post("/thing")
    with pytest.raises(MustWait):
        client.get("/thing")
    assert len(httpserver.log) == 2


@pytest.mark.parametrize("status, header, wait", [(429, "17", 17), (503, "4", 4), (429, "", None)])
def test_the_pacer_is_told_at_once_when_the_remote_wants_us_to_slow_down(httpserver, status, header, wait):
    answers(httpserver, status=status, **{"Retry-After": header})
    calm = Calm(9)
    with paced(calm):
        client = Http(httpserver.url_for("/api"))
    with pytest.raises(RetryLater):
        client.get("/thing")
    assert calm.told == [
        (None if wait is None else timedelta(seconds=wait), f"{client} asks us to slow down (HTTP {status}).")
    ]


def test_a_write_in_doubt_lets_the_others_rest_too_when_the_remote_asks_for_it(httpserver):
    answers(httpserver, status=503, **{"Retry-After": "9"})
    calm = Calm(9)
    with paced(calm):
        client = Http(httpserver.url_for("/api"))
    with pytest.raises(OutcomeUnknown):
        client.post("/thing")
    assert [wait for wait, _ in calm.told] == [timedelta(seconds=9)]


@pytest.fixture
def dripping():
    """A server that answers with these bytes, then one more every 50 ms until its client hangs up."""
    listening = []

    def start(head):
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def drip(peer):
            with suppress(OSError), peer:
                peer.recv(65536)
                peer.sendall(head)
                while peer.send(b"x"):
                    time.sleep(0.05)

        def serve():
            with suppress(OSError):
                while True:
                    threading.Thread(target=drip, args=[server.accept()[0]], daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        return Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1), deadline=0.3)

    yield start
    for server in listening:
        server.close()


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nX-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["headers", "body", "body without a length"],
)
def test_a_server_that_drips_its_answer_is_cut_off_at_the_deadline(dripping, head):
    client, began = dripping(head), time.monotonic()
    with pytest.raises(RetryLater, match=r"did not end its answer within 0\.3 seconds"):
        client.get("/")
    with pytest.raises(OutcomeUnknown, match="it may or may not have done it"):
        client.post("/")
    assert time.monotonic() - began < 4


def test_no_call_may_be_given_longer_than_its_callers_lease():
    with pytest.raises(ValueError, match="50 seconds at most, not 60"):
        Http("http://shop.test", deadline=60)
