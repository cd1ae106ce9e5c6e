"""Credentials at rest: Fernet with several keys, the first encrypts, all decrypt.

A wrong key is an error that names the variable, never an unreadable value handed on.
"""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


def _fernet() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.CREDENTIAL_KEYS])


def encrypt(value: Any) -> str:
    return _fernet().encrypt(json.dumps(value).encode()).decode()


def decrypt(token: str) -> Any:
    """Raises ``ImproperlyConfigured`` when none of the keys made this token."""
    try:
        return json.loads(_fernet().decrypt(token.encode()))
    except InvalidToken as error:
        raise ImproperlyConfigured(
            "A stored credential cannot be decrypted with any key of PORTAL_CREDENTIAL_KEYS. "
            "Add the key that it was made with behind the current one."
        ) from error


class EncryptedJSONField(models.TextField):
    """JSON that is ciphertext in the database; it cannot be searched, and it is not exported."""

    description = "Encrypted JSON"
    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: object, connection: object) -> Any:
        return decrypt(value) if value else None

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else encrypt(value)

    def value_to_string(self, obj: models.Model) -> str:
        return ""
