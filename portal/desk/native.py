"""Plain ``ModelAdmin``s of plugins and of other libraries, made to look like the rest of the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from unfold.admin import ModelAdmin as UnfoldAdmin

from portal.sdk.django import ModelAdmin, StackedInline, TabularInline

INLINES: list[tuple[type, type]] = [
    (admin.TabularInline, TabularInline),
    (admin.StackedInline, StackedInline),
]


def make_native(site: admin.AdminSite) -> list[type]:
    """Register again, on the portal's base, what was registered on Django's. Returns the models."""
    plain = [
        (model, screen)
        for model, screen in site._registry.items()  # noqa: SLF001 (Django has no other way to ask for all)
        if not isinstance(screen, UnfoldAdmin)
    ]
    for model, screen in plain:
        cls = type(screen)
        inlines = [_native_inline(inline) for inline in cls.inlines]
        site.unregister(model)
        site.register(
            model, type(cls.__name__, (cls, ModelAdmin), {"inlines": inlines, "__module__": cls.__module__})
        )
    return [model for model, _ in plain]


def _native_inline(inline: Any) -> Any:
    for plain, native in INLINES:
        if issubclass(inline, plain) and not issubclass(inline, native):
            return type(inline.__name__, (inline, native), {"__module__": inline.__module__})
    return inline
