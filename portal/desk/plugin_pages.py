"""The plugins' own pages, under ``/plugins/<plugin>/``: for staff unless declared public, gone while a plugin is off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path
from django.utils.functional import cached_property
from django.utils.module_loading import import_string

from portal.desk.plugin_answers import answered, sorry
from portal.desk.surfaces import allowed
from portal.plugins.manager import plugins
from portal.plugins.switches import switched_off
from portal.sdk import PluginUrl


class Page:
    """One page of one plugin, as Django calls it.

    Django's own protection against forged forms holds here whatever the plugin's view says of itself.
    """

    def __init__(self, plugin: str, url: PluginUrl) -> None:
        self.plugin = plugin
        self.url = url

    def __call__(self, request: HttpRequest, **arguments: Any) -> HttpResponseBase:
        if self.plugin in switched_off():
            said = f"This page belongs to the plugin {self.plugin}, which is switched off."
            return sorry(request, "Not here now", said, 404)
        if not self.url.public:
            if not (request.user.is_active and request.user.is_staff):
                return redirect_to_login(request.get_full_path(), "admin:login")
            if not allowed(request, self.plugin, self.url.permission):
                raise PermissionDenied
        doing = f"The page “{self.url.name}”"
        return answered(self.plugin, doing, request, lambda: self.view(request, **arguments))

    @cached_property
    def view(self) -> Callable[..., Any]:
        named = self.url.view
        view: Callable[..., Any] = import_string(named) if isinstance(named, str) else named
        return view


def _pages() -> list[URLResolver | URLPattern]:
    """One namespace a plugin, so that ``reverse("<plugin>:<name>")`` finds its pages."""
    found: dict[str, list[URLPattern]] = {}
    for plugin, url in plugins().brought(PluginUrl):
        found.setdefault(plugin, []).append(path(url.route, Page(plugin, url), name=url.name))
    return [path(f"{plugin}/", include((pages, plugin))) for plugin, pages in found.items()]


urlpatterns = _pages()
