"""A plugin's own settings: kept by its name, its credentials encrypted, read through ``PluginSettings.read``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from portal.connections.crypto import require
from portal.connections.models import PluginSettings as Row
from portal.connections.services import secret_fields
from portal.plugins.manager import plugins
from portal.sdk import Misconfigured, PluginSettings


def stored_values(plugin: str) -> dict[str, Any]:
    """What staff gave, credentials included. One query. Raises ``Misconfigured`` when they cannot be decrypted."""
    row = Row.objects.filter(plugin=plugin).first()
    return {**row.values, **require(row.secrets)} if row else {}


def save_values(plugin: str, values: Mapping[str, Any]) -> None:
    """Store all values of a plugin's settings. An empty credential keeps the one already stored.

    Raises ``pydantic.ValidationError`` when a value does not fit, and ``LookupError`` for a plugin without settings.
    """
    cls = plugins().settings_class(plugin)
    if cls is None:
        raise LookupError(f"The plugin {plugin} has no settings.")
    secret = secret_fields(cls)
    row = Row.objects.filter(plugin=plugin).first() or Row(plugin=plugin)
    kept = {name: value for name, value in row.secrets.items() if name in secret}
    given = {name: value for name, value in values.items() if value not in (None, "") or name not in secret}
    cls.model_validate({**kept, **given})
    row.secrets = kept | {name: given[name] for name in secret if name in given}
    row.values = {name: value for name, value in given.items() if name not in secret}
    row.save()


def read(cls: type[PluginSettings]) -> PluginSettings:
    """The values of this class as they are stored now. Raises ``Misconfigured`` where they are not complete."""
    plugin = plugins().settings_owner(cls)
    if not plugin:
        raise Misconfigured(
            f"No plugin in use registered {cls.__name__}.", mend="Return it from the hook register_settings."
        )
    try:
        return cls.model_validate(stored_values(plugin))
    except ValidationError as error:
        names = ", ".join(str(fault["loc"][0]) for fault in error.errors() if fault["loc"])
        raise Misconfigured(
            f"The settings of the plugin {plugin} are not complete: {names}.",
            mend="Fill them in on its page under Plugins.",
        ) from None
