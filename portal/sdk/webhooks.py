"""Checking a webhook's signature on its raw bytes, in constant time."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from portal.sdk.errors import Forged


def verify_hmac(body: bytes, signature: str, secrets: Sequence[str]) -> None:
    """Accept a base64 HMAC-SHA256 of ``body`` made with any of ``secrets``. Raises ``Forged`` otherwise.

    Several secrets are active at once while one is being replaced.
    """
    genuine = False
    for secret in secrets:
        if not secret:
            continue
        digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
        genuine |= hmac.compare_digest(base64.b64encode(digest), signature.strip().encode())
    if not genuine:
        raise Forged("The webhook's signature does not fit its body and our secret.")


def verify_time(moment: datetime, *, window: timedelta = timedelta(minutes=5)) -> None:
    """Refuse a webhook stamped too long ago or in the future. Raises ``Forged``."""
    if abs(datetime.now(UTC) - moment) > window:
        raise Forged(f"The webhook is stamped {moment.isoformat()}, more than {window} away from now.")
