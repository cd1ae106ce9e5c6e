"""No line of the log shows a credential, whoever wrote the line."""

import io
import json
import logging
from logging.config import dictConfig
from urllib.parse import quote

import pytest
from django.conf import settings

from portal.connections import known_secrets
from portal.connections.models import Connection
from portal.connections.services import save_connection

SECRET = 'p"ass\\word/é-of-the-shop'


@pytest.fixture
def log(monkeypatch):
    """What a handler with the portal's own formatter writes."""
    monkeypatch.setattr(known_secrets, "_known", known_secrets._Known())
    out, made = io.StringIO(), settings.LOGGING["formatters"]["line"]
    handler = logging.StreamHandler(out)
    handler.setFormatter(known_secrets.Redacting(made["fmt"], style="{", secrets=["start-secret"]))
    logger = logging.getLogger("a.library")
    logger.addHandler(handler)
    yield logger, out
    logger.removeHandler(handler)


def test_a_traceback_hides_what_a_library_was_called_with(shop, log):
    save_connection(shop, {"name": "shop", "token": SECRET})
    logger, out = log
    known_secrets._known.__init__()
    Connection.objects.get()
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            told = f"GET /?token={quote(SECRET, safe='')} {json.dumps({'t': SECRET})} {[SECRET]!r}"
            raise RuntimeError(told) from error
    except RuntimeError:
        logger.exception("It failed with %s.", SECRET)
    said = out.getvalue()
    assert "Traceback" in said
    assert "of-the-shop" not in said
    assert shop.webhook_secrets[0] not in said


def test_secrets_of_the_environment_are_known_from_the_start(log):
    logger, out = log
    logger.warning("The database at start-secret is away.")
    assert out.getvalue().endswith("The database at … is away.\n")


def test_short_values_do_not_black_out_ordinary_text(log):
    known_secrets.remember({"pin": "abc", "token": "abcdef"})
    assert known_secrets.hide("abc abcdef abcde") == "abc … abcde"


def test_the_log_of_this_portal_is_written_by_that_formatter():
    assert settings.LOGGING["formatters"]["line"]["()"] == "portal.connections.known_secrets.Redacting"
    assert settings.SECRET_KEY in settings.LOGGING["formatters"]["line"]["secrets"]
    dictConfig(settings.LOGGING)
