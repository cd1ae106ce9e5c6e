"""Credentials: encrypted at rest, replaced only by others, shown to nobody."""

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.forms.models import model_to_dict
from pydantic import SecretStr, ValidationError

from portal.connections.models import Connection
from portal.connections.services import (
    check_connection,
    open_connector,
    save_connection,
    secret_fields,
)
from portal.connections.webhook_secrets import add_webhook_secret, mark_of, retire_webhook_secret
from portal.sdk import Field, Misconfigured, RetryLater, Settings
from tests.toys import Toy, fails

SECRET = "shop-token"


def stored():
    """What stands in the table, as anybody with a copy of the database would see it."""
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_connection")
        return str(cursor.fetchall())


@pytest.fixture
def new_key(settings):
    """A second key is put in front of the first; returns both."""
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode(), *settings.CREDENTIAL_KEYS]
    return settings.CREDENTIAL_KEYS


def test_neither_credentials_nor_webhook_secrets_stand_in_the_table(shop):
    assert SECRET not in stored()
    assert shop.webhook_secrets[0] not in stored()
    assert "token" not in shop.settings
    again = Connection.objects.get()
    assert again.credentials == {"token": SECRET}
    assert open_connector(again).settings.token.get_secret_value() == SECRET


@pytest.fixture
def closed(shop, settings):
    """The shop's credentials, and the only key is another."""
    keys, settings.CREDENTIAL_KEYS = settings.CREDENTIAL_KEYS, [Fernet.generate_key().decode()]
    return keys


def test_with_a_wrong_key_a_row_is_still_read_and_the_connection_says_what_to_mend(closed):
    works, said = check_connection(Connection.objects.get())
    assert not works
    assert "PORTAL_CREDENTIAL_KEYS. Add the key" in said
    assert Connection.objects.get().health == "broken"


def test_saving_such_a_row_keeps_what_only_the_other_key_opens(closed, settings):
    row = Connection.objects.get()
    row.name = "Renamed"
    row.save()
    settings.CREDENTIAL_KEYS = [*settings.CREDENTIAL_KEYS, *closed]
    assert Connection.objects.get().credentials == {"token": SECRET}


def test_credentials_entered_anew_take_the_place_of_unreadable_ones(closed):
    with pytest.raises(ValidationError):
        save_connection(Connection.objects.get(), {"name": "shop", "token": ""})
    save_connection(Connection.objects.get(), {"name": "shop", "token": "fresh-token"})
    assert check_connection(Connection.objects.get())[0]


def test_a_rotation_that_cannot_read_everything_changes_nothing(closed):
    before = stored()
    with pytest.raises(CommandError, match="SHOP: Stored credentials cannot be decrypted"):
        call_command("rotate_credentials")
    assert stored() == before


def test_what_was_tested_before_a_change_says_nothing_about_it(shop):
    check_connection(shop)
    assert Connection.objects.get().health == "good"
    save_connection(Connection.objects.get(), {"name": "shop", "token": "another"})
    row = Connection.objects.get()
    assert (row.health, row.health_text) == (
        "unknown",
        "Its settings were saved, and it was not tested since.",
    )


def test_after_rotation_the_old_key_is_not_needed_any_more(shop, new_key, settings):
    said = StringIO()
    call_command("rotate_credentials", stdout=said)
    assert "credentials of 1 connections" in said.getvalue()
    settings.CREDENTIAL_KEYS = new_key[:1]
    assert Connection.objects.get().credentials == {"token": SECRET}
    assert Connection.objects.get().webhook_secrets == shop.webhook_secrets


@pytest.mark.parametrize("empty", [{}, {"token": ""}, {"token": None}])
def test_an_empty_credential_keeps_the_stored_one(shop, empty):
    save_connection(shop, {"name": "other", **empty})
    shop.refresh_from_db()
    assert shop.credentials == {"token": SECRET}
    assert shop.settings == {"name": "other"}
    save_connection(shop, {"name": "other", "token": "next"})
    assert Connection.objects.get().credentials == {"token": "next"}


def test_settings_that_do_not_fit_are_not_stored_and_the_error_shows_no_credential(shop):
    with pytest.raises(ValidationError) as refused:
        save_connection(shop, {"name": None, "token": "next"})
    assert "name" in str(refused.value)
    assert "next" not in str(refused.value)
    assert Connection.objects.get().credentials == {"token": SECRET}


def test_every_form_of_secret_setting_is_a_credential():
    class Odd(Settings):
        plain: str = ""
        wanted: SecretStr
        maybe: SecretStr | None = None
        described: SecretStr | None = Field(None, title="Key")
        several: tuple[SecretStr, ...] = ()

    assert secret_fields(Odd) == ["wanted", "maybe", "described", "several"]


def test_a_connection_shows_its_credentials_nowhere(shop, caplog):
    connector = open_connector(shop)
    for shown in (repr(shop), str(shop), repr(connector), str(connector.settings), repr(connector.settings)):
        assert SECRET not in shown
    assert "credentials" not in model_to_dict(shop)
    out = StringIO()
    call_command("dumpdata", "connections", stdout=out)
    assert SECRET not in out.getvalue()
    assert json.loads(out.getvalue())[0]["fields"]["credentials"] == ""


def test_a_connection_that_works_says_so(shop):
    assert check_connection(shop) == (True, "Toy shop")
    shop.refresh_from_db()
    assert (shop.health, shop.health_text, shop.failures) == ("good", "Toy shop", 0)
    assert Toy.remotes["shop"].closed == 1


@pytest.mark.parametrize(
    "error, health",
    [(Misconfigured("Wrong key.", mend="Enter it."), "broken"), (RetryLater("Away."), "waiting")],
)
def test_a_connection_that_fails_says_what_to_do_and_rests(shop, error, health):
    Toy.remotes["shop"].then("check", fails(error))
    assert check_connection(shop) == (False, str(error))
    shop.refresh_from_db()
    assert (shop.health, shop.health_text, shop.failures) == (health, str(error), 1)
    assert shop.resting_until is not None
    save_connection(shop, {"name": "shop"})
    assert Connection.objects.get().resting_until is None


def test_a_connector_that_breaks_at_its_test_gives_a_sentence_without_the_credential(shop):
    Toy.remotes["shop"].then("check", fails(KeyError(f"https://x/?key={SECRET}")))
    works, said = check_connection(shop)
    assert not works
    assert said.startswith("The connector failed: KeyError")
    assert SECRET not in said


def test_a_missing_setting_and_a_missing_plugin_are_sentences(shop):
    shop.settings = {}
    with pytest.raises(Misconfigured, match="settings of SHOP are not complete: name. Open the connection"):
        open_connector(shop)
    shop.connector = "gone"
    with pytest.raises(Misconfigured, match="No installed plugin brings the connector “gone”"):
        open_connector(shop)


def test_a_webhook_secret_is_added_before_the_others_and_each_is_retired_by_its_mark(shop):
    first = shop.webhook_secrets[0]
    made_up, entered = add_webhook_secret(shop), add_webhook_secret(shop, " the-vendors-own ")
    assert [mark_of(secret) for secret in Connection.objects.get().webhook_secrets] == [
        entered,
        made_up,
        mark_of(first),
    ]
    assert shop.webhook_secrets[0] == "the-vendors-own"
    assert len(shop.webhook_secrets[1]) >= 32
    retire_webhook_secret(shop, mark_of(first))
    retire_webhook_secret(shop, made_up)
    assert Connection.objects.get().webhook_secrets == ["the-vendors-own"]


def test_a_connection_keeps_one_webhook_secret_at_least_and_none_twice_or_weak(shop):
    only = shop.webhook_secrets[0]
    with pytest.raises(ValueError, match="is the only secret of"):
        retire_webhook_secret(shop, mark_of(only))
    with pytest.raises(ValueError, match="has no secret 0000 any more"):
        retire_webhook_secret(shop, "0000")
    with pytest.raises(ValueError, match="in force already"):
        add_webhook_secret(shop, only)
    with pytest.raises(ValueError, match="can be guessed"):
        add_webhook_secret(shop, "abc")
    assert Connection.objects.get().webhook_secrets == [only]
