import gzip
import logging
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer
from werkzeug import Response

from portal.sdk import (
    Found,
    Http,
    Misconfigured,
    MustWait,
    NotFound,
    OutcomeUnknown,
    Page,
    RetryLater,
    SkipRecord,
)
from portal.sdk.pacing import paced

SECRET = "very-secret-token"


@pytest.fixture
def http(httpserver):
    client = Http(
        httpserver.url_for("/api"),
        headers={"Authorization": f"Bearer {SECRET}"},
        secrets=[SECRET],
        timeout=(1, 0.3),
    )
    yield client
    client.close()


@pytest.fixture
def raw_server():
    """A server that reads one request, answers with exactly these bytes, and closes."""
    listening = []

    def start(answer):
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def serve():
            try:
                peer, _ = server.accept()
                peer.recv(65536)
                if answer is None:  # a reset, not an orderly end
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                else:
                    peer.sendall(answer)
                peer.close()
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        return Http(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=(1, 1))

    yield start
    for server in listening:
        server.close()


def answers(httpserver, body="{}", status=200, **headers):
    httpserver.expect_request("/api/thing").respond_with_response(Response(body, status, headers))


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


@pytest.mark.parametrize("read", [True, False])
def test_a_429_rests_the_whole_connection_for_as_long_as_the_remote_says(http, httpserver, read):
    answers(httpserver, status=429, **{"Retry-After": "17"})
    with pytest.raises(RetryLater) as caught:
        http.request("POST", "/thing", read=read)
    assert caught.value.after == timedelta(seconds=17)
    assert caught.value.whole_connection


def test_retry_after_may_be_a_date_and_is_cut_to_an_hour(http, httpserver):
    answers(
        httpserver, status=429, **{"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=2))}
    )
    with pytest.raises(RetryLater) as caught:
        http.get("/thing")
    assert timedelta(seconds=100) < caught.value.after <= timedelta(minutes=2)


@pytest.mark.parametrize(
    "value, after",
    [
        ("86400", timedelta(hours=1)),
        ("inf", timedelta(hours=1)),
        ("-5", timedelta(0)),
        ("soon", None),
        ("", None),
    ],
)
def test_a_strange_retry_after_does_no_harm(http, httpserver, value, after):
    answers(httpserver, status=429, **{"Retry-After": value})
    with pytest.raises(RetryLater) as caught:
        http.get("/thing")
    assert caught.value.after == after


@pytest.mark.parametrize(
    "status, read_error, write_error",
    [
        (401, Misconfigured, Misconfigured),
        (403, Misconfigured, Misconfigured),
        (404, NotFound, NotFound),
        (410, NotFound, NotFound),
        (408, RetryLater, RetryLater),
        (422, SkipRecord, SkipRecord),
        (425, RetryLater, RetryLater),
        (500, RetryLater, OutcomeUnknown),
        (502, RetryLater, OutcomeUnknown),
        (503, RetryLater, OutcomeUnknown),
        (302, Misconfigured, Misconfigured),
        (303, Misconfigured, OutcomeUnknown),
    ],
)
def test_a_status_is_an_error_that_says_what_happens_next(http, httpserver, status, read_error, write_error):
    answers(httpserver, status=status)
    with pytest.raises(read_error) as read:
        http.get("/thing")
    with pytest.raises(write_error) as written:
        http.post("/thing", json={})
    assert type(read.value) is read_error
    assert type(written.value) is write_error


def test_a_status_that_the_caller_wants_to_see_is_no_error(http, httpserver):
    answers(httpserver, '{"now": 3}', 409)
    assert http.put("/thing", json={}, accept=[409]).json() == {"now": 3}


@pytest.mark.parametrize("answer", [None, b"", b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"cut": '])
def test_an_answer_that_does_not_come_whole_leaves_a_write_in_doubt_and_a_read_to_be_repeated(
    raw_server, answer
):
    with pytest.raises(RetryLater) as read:
        raw_server(answer).get("/")
    assert not read.value.whole_connection
    with pytest.raises(OutcomeUnknown):
        raw_server(answer).post("/", json={})


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


@pytest.mark.parametrize("body", [b'{"cut": ', b"\xff\xfe\xfa", b"[NaN]", b"[" * 100_000, b""])
def test_a_body_that_is_not_json_leaves_a_write_in_doubt_and_a_read_to_be_repeated(http, httpserver, body):
    answers(httpserver, body)
    with pytest.raises(RetryLater):
        http.get("/thing").json()
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").json()


def test_a_web_page_instead_of_json_names_the_address_to_check(http, httpserver):
    answers(httpserver, "\n <!DOCTYPE html><html>Sign in</html>")
    with pytest.raises(Misconfigured, match="web page instead of JSON.*Check the address"):
        http.get("/thing").json()
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").json()


def test_a_redirect_is_not_followed(http, httpserver):
    answers(httpserver, status=307, Location=httpserver.url_for("/elsewhere"))
    with pytest.raises(Misconfigured, match="not followed"):
        http.post("/thing", json={})
    assert [request.path for request, _ in httpserver.log] == ["/api/thing"]


def test_a_next_page_at_another_address_is_not_fetched(http):
    for url in (
        "http://elsewhere.test/api/thing",
        f"{http.base_url}2/thing",
        f"{http.base_url}@elsewhere.test/",
    ):
        with pytest.raises(Misconfigured, match="led to another address"):
            http.get(url)


def test_paging_in_a_circle_ends_with_an_error(http):
    following = {"a": "b", "b": "c", "c": "a"}
    seen = []
    with pytest.raises(RetryLater, match="in a circle: after 3 pages"):
        seen.extend(http.pages("a", lambda token: (token, following[token]), most=50))
    assert list(http.pages("a", lambda token: (token, following[token] if token != "c" else None))) == [
        *"abc"
    ]
    with pytest.raises(RetryLater, match="after 5"):
        list(http.pages(0, lambda token: (token, token + 1), most=5))


def test_silence_after_sending_leaves_a_write_in_doubt(http, httpserver):
    release = threading.Event()
    httpserver.expect_request("/api/thing").respond_with_handler(lambda _: release.wait(5) and Response("{}"))
    try:
        with pytest.raises(OutcomeUnknown, match=r"did not answer within 0\.3 seconds; it may or may not"):
            http.post("/thing", json={})
        with pytest.raises(RetryLater):
            http.get("/thing")
    finally:
        release.set()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
def test_a_host_that_cannot_be_reached_rests_the_whole_connection(address):
    with pytest.raises(RetryLater, match="cannot be reached. Check the address") as caught:
        Http(address, timeout=(1, 1)).post("/", json={})
    assert caught.value.whole_connection


@pytest.mark.parametrize("address", ["shop.example:8000", "ftp://shop.example", "http://", "shop"])
def test_what_is_no_address_is_said_to_be_none(address):
    with pytest.raises(Misconfigured, match="is not an address|cannot be reached"):
        Http(address).get("/thing")


@pytest.mark.parametrize("secret", ["tökeñ…", "two\nlines"])
def test_a_key_with_characters_that_cannot_be_sent_is_not_shown(httpserver, secret):
    client = Http(httpserver.url_for("/"), headers={"X-Key": secret}, secrets=[secret])
    with pytest.raises(Misconfigured, match="characters that cannot be sent") as caught:
        client.get("/thing")
    assert caught.value.__cause__ is None


def test_a_server_without_encryption_is_said_to_have_no_certificate(httpserver):
    client = Http(httpserver.url_for("/").replace("http:", "https:"), timeout=(1, 1))
    with pytest.raises(Misconfigured, match="no valid certificate"):
        client.post("/thing")


def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent(tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    pem = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "both.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    with HTTPServer("localhost", ssl_context=context) as server:
        with pytest.raises(Misconfigured, match="no valid certificate"):
            Http(server.url_for("/"), timeout=(1, 1)).post("/thing", json={})
        assert server.log == []


def test_an_encrypted_connection_that_breaks_leaves_a_write_in_doubt(raw_server):
    plain = raw_server(b"")
    client = Http(plain.base_url.replace("http:", "https:"), timeout=(1, 1))
    with pytest.raises(OutcomeUnknown, match="encrypted connection"):
        client.post("/")


def test_secrets_are_blotted_out_of_messages_names_and_logs(http, httpserver, caplog):
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request(f"/api/{SECRET}").respond_with_data("", status=404)
    answers(httpserver, f"no such key {SECRET}\0 here", 400)
    with pytest.raises(SkipRecord) as caught:
        http.get("/thing")
    assert "no such key … here" in str(caught.value)
    with pytest.raises(NotFound) as caught_path:
        http.get(f"/{SECRET}")
    said = (
        f"{caught.value!r}{caught_path.value!r}{http!r}{http}{Http(f'http://{SECRET}@x', secrets=[SECRET])!r}"
    )
    assert SECRET not in said
    # urllib3 writes the path at DEBUG, which no deployment of ours shows; the header is nowhere.
    assert f"Bearer {SECRET}" not in caplog.text


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


def test_json_of_the_expected_shape_is_handed_over(http, httpserver):
    answers(httpserver, '{"items": [1], "page": {"next": null}}')
    answer = http.get("/thing")
    assert (answer.list("items"), answer.object("page"), answer.object()["items"]) == (
        [1],
        {"next": None},
        [1],
    )


@pytest.mark.parametrize(
    "body, path, said",
    [
        ('{"error": "x"}', ["items"], "an object without “items”, where “items” is wanted as a list"),
        ('{"items": {}}', ["items"], "an object, where “items” is wanted as a list"),
        ('{"items": null}', ["items"], "nothing, where “items” is wanted as a list"),
        ("[]", ["items"], "a list, where an object is wanted"),
        ('"busy"', ["data", "items"], "a text, where an object is wanted"),
        ('{"data": 7}', ["data", "items"], "a number, where “data” is wanted as an object"),
        ("true", [], "yes or no, where a list is wanted"),
    ],
)
def test_json_of_another_shape_is_told_with_what_came_instead(http, httpserver, body, path, said):
    answers(httpserver, body)
    with pytest.raises(RetryLater) as caught:
        http.get("/thing").list(*path)
    assert str(caught.value) == f"{http} answered GET /thing with {said}."
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").list(*path)


def test_a_value_that_is_not_there_is_told_as_well(http, httpserver):
    answers(httpserver, '{"id": 7, "next": null}')
    assert [http.get("/thing").value(name) for name in ("id", "next")] == [7, None]
    with pytest.raises(RetryLater, match="with an object without “key”, where “key” is wanted as a value"):
        http.get("/thing").value("key")
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").value("key")


@pytest.mark.parametrize("beyond", [3, 1], ids=["the last page again", "the first page again"])
def test_page_numbers_without_an_end_are_noticed(http, beyond):
    def fetch(number):
        shown = number if number <= 3 else beyond
        return Page((Found(shown),), str(number)), number + 1

    read = []
    with pytest.raises(RetryLater, match="in a circle: after 4 pages"):
        read.extend(http.pages(1, fetch, most=10))
    assert [page.cursor for page in read] == ["1", "2", "3"]


def test_empty_pages_may_follow_each_other(http):
    assert len(list(http.pages(1, lambda number: (Page((), ""), number + 1 if number < 5 else None)))) == 5


def test_an_endless_body_is_cut_off(http, httpserver, monkeypatch):
    monkeypatch.setattr("portal.sdk.http.LONGEST_BODY", 100_000)
    answers(httpserver, "x" * 200_000)
    with pytest.raises(RetryLater):
        http.get("/thing")
