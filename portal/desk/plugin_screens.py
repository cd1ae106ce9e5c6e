"""The admin screens of plugins' own models: in the sidebar while their plugin is on, gone while it is off."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.text import capfirst

from portal.desk.plugin_answers import answered
from portal.desk.show import may_view
from portal.plugins.calls import guarded
from portal.plugins.switches import switched_off
from portal.sdk import PortalError


class OnlyWhileOn:
    """Before a plugin's admin class: nobody has a right to what is switched off, and what fails costs its own page."""

    plugin: str
    opts: Any

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._may(request, super().has_module_permission)  # type: ignore[misc]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, super().has_view_permission, obj)  # type: ignore[misc]

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self._may(request, super().has_add_permission, *args)  # type: ignore[misc]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, super().has_change_permission, obj)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, super().has_delete_permission, obj)  # type: ignore[misc]

    def changelist_view(self, request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        view = partial(super().changelist_view, request, *args, **more)  # type: ignore[misc]
        return answered(self.plugin, self._doing, request, view)

    def changeform_view(self, request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        view = partial(super().changeform_view, request, *args, **more)  # type: ignore[misc]
        return answered(self.plugin, self._doing, request, view)

    @property
    def _doing(self) -> str:
        return f"The screen of its {self.opts.verbose_name_plural}"

    def _may(self, request: HttpRequest, right: Callable[..., Any], *args: Any) -> bool:
        """Every page of the admin asks, for its sidebar: a plugin that fails here has nothing to show."""
        if not self._is_on(request):
            return False
        try:
            return bool(guarded(self.plugin, self._doing, partial(right, request, *args)))
        except PortalError:
            return False

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
