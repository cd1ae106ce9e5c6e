"""What differs between deployments, read from the environment and from an optional `.env` file.

Every variable is read in `config/settings.py` or here, and is a row of the table in docs/configuration.md;
tests/config/test_configuration_table.py keeps the two equal.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.variables import Variables

BASE_DIR = Path(__file__).resolve().parent.parent

env = Variables()
env.read_env(env.str("PORTAL_ENV_FILE", default=str(BASE_DIR / ".env")))


def secret(variable: str, *, make: Callable[[], str], recipe: str, keep_in: Path | None) -> str:
    """The secret named `variable`.

    Where `keep_in` is a directory (a demo, a developer's machine), a missing one is made once and kept in a
    file there. Where it is None (production), a missing one raises ImproperlyConfigured with the `recipe`.
    """
    value: str = env.str(variable, default="")
    if value:
        return value
    if keep_in is None:
        raise ImproperlyConfigured(
            f"{variable} is not set, and the portal does not start with a made-up secret. "
            f"Make one with `{recipe}` and put it into the environment or into .env. "
            "See docs/configuration.md."
        )
    return _kept_secret(keep_in / f"{variable.lower()}.txt", make)


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Several processes start at once: whoever links its file first has made the secret for all of them."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(make(), encoding="ascii")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def secret_key(keep_in: Path | None) -> str:
    """Django's SECRET_KEY: signs sessions, forms and the jobs on the queue."""
    return secret(
        "PORTAL_SECRET_KEY",
        make=lambda: secrets.token_urlsafe(50),
        recipe="python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
        keep_in=keep_in,
    )


def credential_keys(keep_in: Path | None) -> list[str]:
    """The Fernet keys that credentials of connections are stored under; the first encrypts, all decrypt.

    Raises ImproperlyConfigured when a key is missing in production or is not a Fernet key; the key itself
    is never part of the message.
    """
    value = secret(
        "PORTAL_CREDENTIAL_KEYS",
        make=lambda: Fernet.generate_key().decode(),
        recipe="python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'",
        keep_in=keep_in,
    )
    keys = [key.strip() for key in value.split(",") if key.strip()]
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ImproperlyConfigured(
                f"Key {place} of {len(keys)} in PORTAL_CREDENTIAL_KEYS is not a Fernet key (32 bytes in URL-safe "
                "base64, 44 characters). Make one with `python3 -c 'import base64, os; "
                "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'`; keep the old keys behind it, "
                "separated by commas, for as long as credentials are stored under them."
            ) from None
    return keys
