"""What goes over the wire, and that what comes back is this call's own."""

import gzip
import socket
import threading
import time
from contextlib import suppress
from decimal import Decimal

import pytest

from portal.sdk import (
    Http,
    OutcomeUnknown,
    RetryLater,
)
from tests.sdk.servers import answers


def test_numbers_come_exactly_as_they_were_sent(http, httpserver):
    answers(httpserver, '{"price": 19.99, "id": 12}')
    assert http.get("/thing").json() == {"price": Decimal("19.99"), "id": 12}


def test_one_connection_carries_call_after_call():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve_the_first():
            peer, _ = server.accept()
            with peer:
                while peer.recv(65536):
                    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=serve_the_first, daemon=True).start()
        client = Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1))
        assert [client.get("/").json() for _ in range(3)] == [{}, {}, {}]
        client.close()


def test_head_and_body_leave_in_one_piece(http, httpserver, monkeypatch):
    answers(httpserver)
    pieces, really = [], socket.socket.sendall

    def sendall(itself, data, *flags):
        pieces.append(bytes(data))
        return really(itself, data, *flags)

    monkeypatch.setattr(socket.socket, "sendall", sendall)
    http.post("/thing", json={"a": 1})
    assert pieces[0].startswith(b"POST ")
    assert pieces[0].endswith(b'\r\n\r\n{"a": 1}')


def test_a_connection_that_the_remote_has_closed_meanwhile_is_not_used_for_a_write(raw_server):
    client = raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    assert client.get("/").json() == {}
    time.sleep(0.1)  # its end has to arrive
    with pytest.raises(OutcomeUnknown, match="did not answer"):  # a new connection, to which nobody listens
        client.post("/", json={})


def test_what_came_compressed_is_read(http, httpserver):
    answers(httpserver, gzip.compress(b'{"id": 7}'), **{"Content-Encoding": "gzip"})
    assert http.get("/thing").json() == {"id": 7}


def test_headers_of_a_call_go_before_those_of_all_whatever_their_case(http, httpserver):
    answers(httpserver)
    http.post("/thing", json={"a": 1}, headers={"authorization": "other", "content-type": "application/x"})
    sent = httpserver.log[0][0]
    assert sent.headers.getlist("Authorization") == ["other"]
    assert (sent.headers.getlist("Content-Type"), sent.get_json(force=True)) == (
        ["application/x"],
        {"a": 1},
    )


def test_a_query_keeps_what_the_address_has_and_tells_lists_one_by_one(http, httpserver):
    answers(httpserver)
    http.get("/thing?a=1", params={"b": ["x y", "ü"], "c": None, "d": 2})
    assert httpserver.log[0][0].query_string == b"a=1&b=x+y&b=%C3%BC&d=2"


def test_a_cookie_is_sent_back(http, httpserver):
    answers(httpserver, **{"Set-Cookie": "session=abc; Path=/"})
    http.get("/thing")
    http.get("/thing")
    assert [request.cookies.get("session") for request, _ in httpserver.log] == [None, "abc"]


def test_a_login_within_the_address_is_used(httpserver):
    answers(httpserver)
    Http(httpserver.url_for("/api").replace("://", "://me:pass@")).get("/thing")
    assert httpserver.log[0][0].authorization.password == "pass"


def test_a_login_within_the_address_may_hold_any_character(httpserver):
    answers(httpserver)
    Http(httpserver.url_for("/api").replace("://", "://me%40work:p%2F€@")).get("/thing")
    login = httpserver.log[0][0].authorization
    assert (login.username, login.password) == ("me@work", "p/€")


def test_a_calls_own_content_type_goes_before_that_of_json_whatever_its_case():
    with socket.create_server(("127.0.0.1", 0)) as server:
        heard = []

        def serve():
            peer, _ = server.accept()
            with peer:
                heard.append(peer.recv(65536))
                peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        client = Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1))
        client.post("/thing", json={}, headers={"content-type": "application/vnd.acme+json"})
        client.close()
    assert heard[0].lower().count(b"content-type:") == 1
    assert b"content-type: application/vnd.acme+json" in heard[0]


def test_a_client_that_was_closed_opens_a_new_connection(http, httpserver):
    answers(httpserver)
    http.get("/thing")
    http.close()
    assert http.get("/thing").status == 200


def test_the_answer_behind_a_provisional_one_is_not_taken_for_that_to_the_next_call():
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Event()

        def serve():
            first, _ = server.accept()
            first.recv(65536)
            first.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
            asked.wait(5)
            with suppress(OSError):
                first.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"id": 1}')
            second, _ = server.accept()
            second.recv(65536)
            second.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"id": 2}')

        threading.Thread(target=serve, daemon=True).start()
        client = Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1))
        with pytest.raises(OutcomeUnknown):
            client.post("/orders", json={"number": 1})
        threading.Timer(0.1, asked.set).start()
        assert client.post("/orders", json={"number": 2}).json() == {"id": 2}
        client.close()


def test_an_endless_body_is_cut_off(http, httpserver, monkeypatch):
    monkeypatch.setattr("portal.sdk.http.LONGEST_BODY", 100_000)
    answers(httpserver, "x" * 200_000)
    with pytest.raises(RetryLater):
        http.get("/thing")
