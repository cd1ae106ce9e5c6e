"""A webhook as people may see it: its body decoded, without a connection's credentials, without signatures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from portal.connections.models import Connection
from portal.desk.show import pretty

PRIVATE = ("auth", "cookie", "hmac", "key", "secret", "signature", "token")
HIDDEN = "(hidden)"
SHORTEST = 4
"""Hiding a credential shorter than this would black out ordinary text."""


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Names stay; values of headers that prove who sent it do not."""
    return {
        name: HIDDEN if any(word in name.lower() for word in PRIVATE) else value
        for name, value in headers.items()
    }


def shown_body(body: bytes | memoryview, connection: Connection) -> str:
    """JSON with indentation, other text as it is, a word about what is no text."""
    try:
        text = bytes(body).decode()
    except UnicodeDecodeError:
        return f"{len(body)} bytes that are not text."
    try:
        text = pretty(json.loads(text))
    except (ValueError, RecursionError):
        pass
    for secret in _credentials(connection):
        text = text.replace(secret, HIDDEN)
    return text


def _credentials(connection: Connection) -> list[str]:
    held: list[Any] = [*connection.credentials.values(), *connection.webhook_secrets]
    return sorted({str(value) for value in held if len(str(value)) >= SHORTEST}, key=len, reverse=True)
