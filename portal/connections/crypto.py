"""Credentials at rest: Fernet with several keys, the first encrypts, all decrypt.

A value that no key opens is ``Unreadable``: it shows as nothing, is stored back as it was, and is refused
with a sentence where somebody needs it.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

from portal.connections.known_secrets import remember
from portal.sdk import Misconfigured


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(value: Any) -> str:
    return _fernet().encrypt(json.dumps(value).encode()).decode()


class Unreadable(dict[str, Any]):
    """What none of our keys has encrypted. It looks empty, and keeps the ``token`` for whoever has the key."""

    SAID = "Stored credentials cannot be decrypted with any key of PORTAL_CREDENTIAL_KEYS."
    MEND = "Add the key that they were encrypted with behind the current one and restart, or enter them anew."

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


def decrypt(token: str) -> Any:
    """What was encrypted, or ``Unreadable``."""
    try:
        value = json.loads(_fernet().decrypt(token.encode()))
    except InvalidToken:
        return Unreadable(token)
    remember(value)
    return value


def require(value: Any) -> Any:
    """The value. Raises ``Misconfigured`` when it is unreadable."""
    if isinstance(value, Unreadable):
        raise Misconfigured(Unreadable.SAID, mend=Unreadable.MEND)
    return value


class EncryptedJSONField(models.TextField):
    """JSON that is ciphertext in the database; it cannot be searched, and it is not exported."""

    description = "Encrypted JSON"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Any:
        return decrypt(value) if value else None

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, Unreadable):
            return value.token
        remember(value)
        return None if value is None else encrypt(value)

    def value_to_string(self, obj: models.Model) -> str:
        return ""
