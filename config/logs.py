"""Logs go to standard error, one line an event; systemd, or whoever started the process, keeps them."""

from typing import Any


def logging_config(*, level: str, secrets: list[str]) -> dict[str, Any]:
    """The value for LOGGING. No line shows one of `secrets`, or a credential that this process has decrypted."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": "portal.connections.known_secrets.Redacting",
                "fmt": "{asctime} {levelname} {name}: {message}",
                "style": "{",
                "secrets": secrets,
            },
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "level": level, "propagate": True},
            # django-q2 adds a handler of its own only when it finds none; a line for each ring is noise.
            "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }
