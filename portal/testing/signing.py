"""Webhooks as vendors send them, for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from portal.sdk.connector import Webhook
from portal.testing.script import dump


def signed(event: Any, secret: str, header: str, **headers: str) -> Webhook:
    """A JSON body with its base64 HMAC-SHA256 in ``header``, as most vendors sign."""
    body = event if isinstance(event, bytes) else dump(event)
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return Webhook(named | {header.lower(): base64.b64encode(digest).decode()}, body)
