"""What a refused, broken or missing answer is for whoever asked."""

import logging
import ssl
import threading
from datetime import UTC, datetime, timedelta
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
    NotFound,
    OutcomeUnknown,
    Page,
    RetryLater,
    SkipRecord,
)
from tests.sdk.servers import SECRET, answers


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
