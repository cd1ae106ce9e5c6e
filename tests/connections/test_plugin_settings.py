"""A plugin's own settings, kept by the portal and read through the SDK."""

import pytest
from django.core.management import call_command
from django.db import connection as database
from pydantic import ValidationError

from portal.connections import plugin_settings
from portal.connections.plugin_settings import save_values, stored_values
from portal.plugins.manager import plugins
from portal.sdk import Field, Misconfigured, PluginSettings, SecretStr
from portal.sdk.contributions import settings_are_kept_by


class LabelSettings(PluginSettings):
    printer: str = Field(title="Printer")
    copies: int = Field(default=1, ge=1, title="Copies")
    token: SecretStr | None = Field(default=None, title="API token")


@pytest.fixture
def labels(db, monkeypatch):
    monkeypatch.setattr(plugins(), "_settings", {"labels": LabelSettings})


def test_what_staff_gave_is_read_through_the_sdk_and_what_they_did_not_is_the_default(labels):
    save_values("labels", {"printer": "office", "token": "s3cret-token"})
    settings = LabelSettings.read()
    assert (settings.printer, settings.copies) == ("office", 1)
    assert settings.token.get_secret_value() == "s3cret-token"


def test_a_credential_is_kept_encrypted_and_an_empty_one_keeps_it(labels):
    save_values("labels", {"printer": "office", "token": "s3cret-token"})
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM connections_pluginsettings")
        assert "s3cret" not in str(cursor.fetchall())
    save_values("labels", {"printer": "stock", "token": ""})
    assert stored_values("labels") == {"printer": "stock", "token": "s3cret-token"}
    call_command("rotate_credentials")
    assert LabelSettings.read().token.get_secret_value() == "s3cret-token"


def test_a_value_that_does_not_fit_is_refused_and_nothing_is_stored(labels):
    with pytest.raises(ValidationError):
        save_values("labels", {"printer": "office", "copies": 0})
    assert stored_values("labels") == {}


def test_settings_that_are_not_complete_say_what_is_missing(labels):
    with pytest.raises(Misconfigured, match="The settings of the plugin labels are not complete: printer"):
        LabelSettings.read()


def test_a_class_that_no_plugin_registered_cannot_be_read(db):
    with pytest.raises(Misconfigured, match="No plugin in use registered LabelSettings"):
        LabelSettings.read()
    with pytest.raises(LookupError, match="The plugin labels has no settings"):
        save_values("labels", {})


def test_outside_a_portal_the_class_is_constructed():
    settings_are_kept_by(None)
    try:
        with pytest.raises(Misconfigured, match=r"Construct it: LabelSettings\(…\)"):
            LabelSettings.read()
    finally:
        settings_are_kept_by(plugin_settings.read)
