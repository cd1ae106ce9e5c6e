"""Reading variables so that a wrong value is told in a sentence, and a misspelled name is noticed."""

import os
import warnings
from difflib import get_close_matches
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

YES_OR_NO = ("true", "on", "ok", "y", "yes", "1", "false", "off", "n", "no", "0", "")


class Variables(environ.Env):
    """The environment; whatever is asked of it is remembered as a name that means something."""

    def __init__(self) -> None:
        super().__init__()
        self.known: set[str] = set()

    def get_value(self, var: str, *args: Any, **more: Any) -> Any:
        self.known.add(var)
        return super().get_value(var, *args, **more)

    def int(self, var: str, default: int, *, least: int = 0) -> int:
        """A whole number from ``least`` on. Raises ImproperlyConfigured."""
        given = self.str(var, default="").strip()
        if not given:
            return default
        try:
            value = int(given)
        except ValueError:
            value = least - 1
        if value < least:
            raise ImproperlyConfigured(
                f"{var} is {given!r}, and has to be a whole number from {least} on, such as {default}. "
                "See docs/configuration.md."
            )
        return value

    def bool(self, var: str, default: bool) -> bool:
        """Raises ImproperlyConfigured for what is neither yes nor no."""
        given = self.str(var, default="").strip().lower()
        if given not in YES_OR_NO:
            raise ImproperlyConfigured(
                f"{var} is {given!r}, and has to be true or false. See docs/configuration.md."
            )
        return default if not given else given in YES_OR_NO[:6]

    def db_url(self, var: str, default: str) -> dict[str, Any]:
        """Raises ImproperlyConfigured; the address may hold a password, so it is not shown."""
        try:
            with warnings.catch_warnings():  # they show the address
                warnings.simplefilter("ignore")
                found: dict[str, Any] = super().db_url(var, default=default)
            engine = found["ENGINE"]
        except (ValueError, LookupError, TypeError):
            engine = ""
        if engine not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
            raise ImproperlyConfigured(
                f"{var} is not an address of SQLite or PostgreSQL, such as "
                "postgres://portal:password@127.0.0.1:5432/portal or sqlite:////srv/portal/portal.sqlite3. "
                "See docs/configuration.md."
            )
        return found

    def unknown(self) -> list[str]:
        """A sentence for each variable that looks like ours and that nothing has asked for."""
        return [
            f"{name} is set, and the portal has no such variable" + self._near(name)
            for name in sorted(os.environ)
            if name.startswith("PORTAL_") and name not in self.known
        ]

    def _near(self, name: str) -> str:
        near = get_close_matches(name, self.known, n=1, cutoff=0.75)
        return f": is {near[0]} meant?" if near else "."
