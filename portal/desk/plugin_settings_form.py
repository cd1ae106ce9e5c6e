"""The form of a plugin's own settings, and what was changed with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.connections.plugin_settings import save_values, stored_values
from portal.connections.services import secret_fields
from portal.desk.settings_fields import check_settings, given_settings, setting_fields, shown
from portal.plugins.manager import plugins
from portal.sdk import PluginSettings


class PluginSettingsForm(forms.Form):
    """Subclasses have the fields of one plugin's settings."""

    settings: type[PluginSettings]
    stored: Mapping[str, Any]

    def clean(self) -> dict[str, Any]:
        if not self.errors:
            check_settings(self, self.settings, self.stored)
        return self.cleaned_data


def settings_form(plugin: str) -> type[PluginSettingsForm]:
    """The form class, as the settings are stored now. Raises ``LookupError`` for a plugin without settings."""
    cls = plugins().settings_class(plugin)
    if cls is None:
        raise LookupError(f"The plugin {plugin} has no settings.")
    stored = stored_values(plugin)
    fields = setting_fields(cls, stored, stored)
    return type("SettingsForm", (PluginSettingsForm,), {**fields, "settings": cls, "stored": stored})


def save_settings(plugin: str, cleaned: Mapping[str, Any]) -> str:
    """Store what the form gave; the changes as a sentence for the history, without what is secret."""
    cls = plugins().settings_class(plugin)
    assert cls is not None, "a form was made of it"
    before = stored_values(plugin)
    save_values(plugin, given_settings(cleaned))
    after, secret = stored_values(plugin), secret_fields(cls)
    changed = [
        f"{info.title or name} is new"
        if name in secret
        else f"{info.title or name} was {_word(before.get(name))}, is {_word(after.get(name))}"
        for name, info in cls.model_fields.items()
        if before.get(name) != after.get(name)
    ]
    return f"{'; '.join(changed)}." if changed else "nothing was changed."


def shown_plugin_settings(plugin: str) -> list[tuple[str, str]]:
    """Labels and values for those who may only look."""
    cls = plugins().settings_class(plugin)
    stored = stored_values(plugin)
    return shown(cls, stored, stored) if cls else []


def _word(value: Any) -> str:
    return "not given" if value in (None, "") else str(value)
