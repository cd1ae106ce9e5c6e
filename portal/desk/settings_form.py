"""A connection's form, made from its connector's settings."""

from __future__ import annotations

from typing import Any

from django import forms

from portal.connections.models import Connection
from portal.desk.settings_fields import PREFIX, check_settings, given_settings, setting_fields, shown
from portal.plugins.manager import UnknownConnector, connector_class
from portal.sdk import Connector


class ConnectionForm(forms.ModelForm):
    """Name, address and switch of a connection; subclasses add the connector's own settings."""

    connector: str = ""

    class Meta:
        model = Connection
        fields = ["name", "slug", "enabled", "calls_per_second"]

    def setting_values(self) -> dict[str, Any]:
        return given_settings(self.cleaned_data)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.connector and not self.errors:
            check_settings(self, connector_class(self.connector).Settings, self.instance.credentials)
        return cleaned


def connection_form(connector: str, connection: Connection | None) -> type[ConnectionForm]:
    """The form class for connections of that connector. Without its plugin only name and switch remain."""
    try:
        cls = connector_class(connector)
    except UnknownConnector:
        return ConnectionForm
    values = connection.settings if connection else {}
    stored = connection.credentials if connection else {}
    fields = setting_fields(cls.Settings, values, stored)
    return type("ConnectorForm", (ConnectionForm,), {**fields, "connector": connector})


def setting_names(connector: str) -> list[str]:
    try:
        return [f"{PREFIX}{name}" for name in connector_class(connector).Settings.model_fields]
    except UnknownConnector:
        return []


def shown_settings(cls: type[Connector], connection: Connection) -> list[tuple[str, str]]:
    """Labels and values for those who may only look."""
    return shown(cls.Settings, connection.settings, connection.credentials)
