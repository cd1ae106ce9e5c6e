"""The secrets that a connection's webhooks are proven with. Several are in force while one takes another's place."""

from __future__ import annotations

import secrets as random
from hashlib import sha256

from portal.connections.models import Connection

SHORTEST = 8
"""Characters of a secret: vendors make their own, and few tell how long they are."""


def mark_of(secret: str) -> str:
    """What a secret is called, where it may not be shown itself."""
    return sha256(secret.encode()).hexdigest()[:8]


def add_webhook_secret(connection: Connection, secret: str = "") -> str:
    """Put a secret, made up unless given, before those in force: the next subscription takes it, webhooks signed
    with any of them are heard. Returns its mark. Raises ``ValueError`` for one that is there or too weak."""
    secret = secret.strip() or random.token_urlsafe(32)
    if len(secret) < SHORTEST:
        raise ValueError(
            f"A webhook secret has {SHORTEST} characters at least; a shorter one can be guessed."
        )
    if secret in connection.webhook_secrets:
        raise ValueError("This secret is in force already.")
    _store(connection, [secret, *connection.webhook_secrets])
    return mark_of(secret)


def retire_webhook_secret(connection: Connection, mark: str) -> None:
    """Webhooks signed with that secret are refused from now on. Raises ``ValueError`` when it is the only one."""
    kept = [secret for secret in connection.webhook_secrets if mark_of(secret) != mark]
    if len(kept) == len(connection.webhook_secrets):
        raise ValueError(f"{connection} has no secret {mark} any more.")
    if not kept:
        raise ValueError(f"{mark} is the only secret of {connection}. Add another one first.")
    _store(connection, kept)


def _store(connection: Connection, secrets: list[str]) -> None:
    connection.webhook_secrets = secrets
    connection.save(update_fields=["webhook_secrets"])
