"""Form fields made from pydantic settings, a connector's or a plugin's.

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

from portal.connections.services import secret_fields
from portal.sdk import Settings

PREFIX = "setting_"


def setting_fields(
    cls: type[Settings], values: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, forms.Field]:
    """A field for every setting; ``values`` are shown, of ``stored`` secrets only that they are there."""
    return {f"{PREFIX}{name}": _field(name, info, values, stored) for name, info in cls.model_fields.items()}


def given_settings(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as given, by their own names; as JSON keeps them, so that a decimal is text."""
    return {
        name.removeprefix(PREFIX): str(value) if isinstance(value, Decimal) else value
        for name, value in cleaned.items()
        if name.startswith(PREFIX)
    }


def check_settings(form: forms.BaseForm, cls: type[Settings], stored: Mapping[str, Any]) -> None:
    """Put a sentence beside every setting that does not fit. An empty secret stands for the stored one."""
    secret = secret_fields(cls)
    kept = {name: value for name, value in stored.items() if name in secret}
    given = {
        name: value
        for name, value in given_settings(form.cleaned_data).items()
        if name not in secret or value not in (None, "")
    }
    try:
        cls.model_validate({**kept, **given})
    except ValidationError as error:
        for name, sentence in sentences(cls, error):
            form.add_error(f"{PREFIX}{name}" if f"{PREFIX}{name}" in form.fields else None, sentence)


def shown(cls: type[Settings], values: Mapping[str, Any], stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Labels and values for those who may only look; of a secret only whether it is stored."""
    secret = secret_fields(cls)
    return [
        (
            info.title or name,
            ("stored" if stored.get(name) else "not stored")
            if name in secret
            else str(values.get(name, _default(info, ""))),
        )
        for name, info in cls.model_fields.items()
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
    common: dict[str, Any] = {
        "label": info.title or name.replace("_", " ").capitalize(),
        "help_text": info.description or "",
        "required": info.is_required(),
        "initial": values.get(name, _default(info, None)),
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


def _default(info: FieldInfo, none: Any) -> Any:
    return none if info.is_required() else info.get_default(call_default_factory=True)


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
