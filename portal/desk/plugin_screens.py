"""The admin screens of plugins' own models: in the sidebar while their plugin is on, gone while it is off."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from portal.desk.show import may_view
from portal.plugins.switches import switched_off


class OnlyWhileOn:
    """Before a plugin's admin class: nobody has a right to what is switched off."""

    plugin: str

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is_on(request) and super().has_module_permission(request)  # type: ignore[misc]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_on(request) and super().has_view_permission(request, obj)  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self._is_on(request) and super().has_add_permission(request, *args)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_on(request) and super().has_change_permission(request, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._is_on(request) and super().has_delete_permission(request, obj)  # type: ignore[misc]

    def _is_on(self, request: HttpRequest) -> bool:
        """Asked many times for one page, of the database once."""
        if not hasattr(request, "plugins_off"):
            request.plugins_off = switched_off()  # type: ignore[attr-defined]
        return self.plugin not in request.plugins_off  # type: ignore[attr-defined]


def tie_to_switches(site: admin.AdminSite) -> None:
    """Register the screens of plugins' models again, as ones that follow their plugin's switch."""
    modules = {source.module: source.name for source in settings.PLUGINS.admitted}
    for model, screen in list(site._registry.items()):  # noqa: SLF001 (Django has no other way to ask for all)
        if plugin := modules.get(model._meta.app_config.name):
            cls = type(screen)
            site.unregister(model)
            site.register(
                model,
                type(cls.__name__, (OnlyWhileOn, cls), {"plugin": plugin, "__module__": cls.__module__}),
            )


def sidebar_of_plugins(request: HttpRequest) -> list[dict[str, Any]]:
    """One group a plugin, with the lists of its models that this person may open."""
    found = []
    for source in settings.PLUGINS.admitted:
        config = next((each for each in apps.get_app_configs() if each.name == source.module), None)
        models = [model for model in config.get_models() if may_view(request, model)] if config else []
        items = [
            {
                "title": capfirst(model._meta.verbose_name_plural),
                "icon": "extension",
                "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
            }
            for model in models
        ]
        if config and items:
            found.append({"title": config.verbose_name, "separator": True, "items": items})
    return found
