"""A connection's form, made from its connector's pydantic settings.

A ``SecretStr`` becomes a password field that never shows what is stored and keeps it when left empty.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from django import forms
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from unfold import widgets

from portal.connections.models import Connection
from portal.connections.services import secret_fields
from portal.plugins.manager import UnknownConnector, connector_class
from portal.sdk import Connector, Settings

PREFIX = "setting_"


class ConnectionForm(forms.ModelForm):
    """Name, address and switch of a connection; subclasses add the connector's own settings."""

    connector: str = ""

    class Meta:
        model = Connection
        fields = ["name", "slug", "enabled"]

    def setting_values(self) -> dict[str, Any]:
        """The settings as given, by their own names; as JSON keeps them, so that a decimal is text."""
        return {
            name.removeprefix(PREFIX): str(value) if isinstance(value, Decimal) else value
            for name, value in self.cleaned_data.items()
            if name.startswith(PREFIX)
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.connector or self.errors:
            return cleaned
        cls = connector_class(self.connector).Settings
        secret = secret_fields(cls)
        stored = {name: value for name, value in self.instance.credentials.items() if name in secret}
        given = {
            name: value
            for name, value in self.setting_values().items()
            if name not in secret or value not in (None, "")
        }
        try:
            cls.model_validate({**stored, **given})
        except ValidationError as error:
            for name, sentence in sentences(cls, error):
                self.add_error(f"{PREFIX}{name}" if f"{PREFIX}{name}" in self.fields else None, sentence)
        return cleaned


def connection_form(connector: str, connection: Connection | None) -> type[ConnectionForm]:
    """The form class for connections of that connector. Without its plugin only name and switch remain."""
    try:
        cls = connector_class(connector)
    except UnknownConnector:
        return ConnectionForm
    values = connection.settings if connection else {}
    stored = connection.credentials if connection else {}
    fields = {
        f"{PREFIX}{name}": _field(name, info, values, stored)
        for name, info in cls.Settings.model_fields.items()
    }
    return type("ConnectorForm", (ConnectionForm,), {**fields, "connector": connector})


def setting_names(connector: str) -> list[str]:
    try:
        return [f"{PREFIX}{name}" for name in connector_class(connector).Settings.model_fields]
    except UnknownConnector:
        return []


def shown_settings(cls: type[Connector], connection: Connection) -> list[tuple[str, str]]:
    """Labels and values for those who may only look; of a credential only whether it is stored."""
    return [
        (
            info.title or name,
            ("stored" if connection.credentials.get(name) else "not stored")
            if _plain(info.annotation) is SecretStr
            else str(connection.settings.get(name, "")),
        )
        for name, info in cls.Settings.model_fields.items()
    ]


def sentences(cls: type[Settings], error: ValidationError) -> list[tuple[str, str]]:
    """Each fault as (setting, sentence). The value itself is never repeated: it may be a credential."""
    found = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        said = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
        if fault["type"] == "missing":
            info = cls.model_fields.get(name)
            said = f"{(info.title if info else None) or name} is needed"
        found.append((name, f"{said[:1].upper()}{said[1:].rstrip('.')}."))
    return found


def _field(name: str, info: FieldInfo, values: Mapping[str, Any], stored: Mapping[str, Any]) -> forms.Field:
    kind = _plain(info.annotation)
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    common: dict[str, Any] = {
        "label": info.title or name.replace("_", " ").capitalize(),
        "help_text": info.description or "",
        "required": info.is_required(),
        "initial": values.get(name, default),
    }
    if kind is SecretStr:
        return _secret(common, is_stored=bool(stored.get(name)))
    if kind is bool:
        return forms.BooleanField(**{**common, "required": False}, widget=widgets.UnfoldBooleanSwitchWidget())
    if kind is int:
        return forms.IntegerField(**common, widget=widgets.UnfoldAdminIntegerFieldWidget())
    if kind in (float, Decimal):
        return forms.DecimalField(**common, widget=widgets.UnfoldAdminDecimalFieldWidget())
    if choices := _choices(kind):
        return forms.ChoiceField(**common, choices=choices, widget=widgets.UnfoldAdminSelectWidget())
    return forms.CharField(**common, widget=widgets.UnfoldAdminTextInputWidget())


def _secret(common: dict[str, Any], *, is_stored: bool) -> forms.Field:
    hint = "Stored. Leave empty to keep it." if is_stored else ""
    return forms.CharField(
        **{
            **common,
            "initial": None,
            "required": common["required"] and not is_stored,
            "help_text": f"{common['help_text']} {hint}".strip(),
        },
        # A password may begin or end with a blank.
        strip=False,
        widget=widgets.UnfoldAdminPasswordWidget(
            attrs={"autocomplete": "new-password", "placeholder": "•••••••• (stored)" if is_stored else ""}
        ),
    )


def _plain(annotation: Any) -> Any:
    """``int`` for ``int | None``."""
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not NoneType]
        return parts[0] if len(parts) == 1 else str
    return annotation


def _choices(kind: Any) -> list[tuple[str, str]]:
    if get_origin(kind) is Literal:
        return [(str(value), str(value).replace("_", " ")) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return [(str(member.value), member.name.replace("_", " ").lower()) for member in kind]
    return []
