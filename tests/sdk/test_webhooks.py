import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from portal.sdk import Forged, verify_hmac, verify_time

BODY = '{"größe": 1}'.encode()


def signature(secret, body=BODY):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def test_any_active_secret_proves_a_webhook():
    for secret in ("old", "new"):
        verify_hmac(BODY, signature(secret), ["new", "old"])


@pytest.mark.parametrize(
    "body, signed, secrets",
    [
        (BODY + b" ", signature("s"), ["s"]),
        (BODY, signature("other"), ["s"]),
        (BODY, "", ["s"]),
        (BODY, "ü", ["s"]),
        (BODY, signature(""), [""]),
        (BODY, signature("s"), []),
    ],
)
def test_everything_else_is_forged(body, signed, secrets):
    with pytest.raises(Forged):
        verify_hmac(body, signed, secrets)


def test_how_long_a_signature_is_looked_at_tells_nothing_of_our_secrets(monkeypatch):
    compared = []

    def in_constant_time(ours, theirs):
        compared.append((ours, theirs))
        return hmac_compare(ours, theirs)

    hmac_compare = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", in_constant_time)
    for genuine in ("new", "old"):
        verify_hmac(BODY, signature(genuine), ["new", "old"])
    with pytest.raises(Forged):
        verify_hmac(BODY, signature("wrong"), ["new", "old"])
    ours = [signature(secret).encode() for secret in ("new", "old")]
    assert compared == [
        (each, signature(told).encode()) for told in ("new", "old", "wrong") for each in ours
    ], "each secret in turn, whole, whether or not one before it has fitted"


@pytest.mark.parametrize("age", [timedelta(minutes=6), -timedelta(minutes=6)])
def test_a_webhook_of_another_time_is_refused(age):
    verify_time(datetime.now(UTC) - age / 2)
    with pytest.raises(Forged):
        verify_time(datetime.now(UTC) - age)
