"""Screens on which plugins add to our own panels and buttons."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin import helpers
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse

from portal.connections.models import Connection
from portal.desk import surfaces
from portal.desk.base import DeskAdmin, ReadOnlyAdmin
from portal.desk.buttons import Button
from portal.desk.panels import Panel
from portal.plugins.permissions import full
from portal.records.subjects import subject_of
from portal.sdk import PortalError, RecordAction

MOST = 100
"""Records that one press acts on: somebody waits meanwhile."""


class Plugged(DeskAdmin):
    """A screen of pages of one ``kind``, in the words of `portal.sdk.RecordPanel`."""

    kind: str

    def subject(self, row: Any) -> Any:
        """What plugins are told of the row."""
        return subject_of(row)

    def connection(self, row: Any) -> Connection | None:
        """The connection that it belongs to: a plugin may be switched off for that one."""
        origin: Connection = row.origin
        return origin

    def _at(self, row: Any) -> list[str]:
        found = self.connection(row)
        return [found.slug] if found else []

    def get_urls(self) -> list[URLPattern]:
        place = "<path:object_id>/plugin/<slug:plugin>/<slug:name>/"
        return [
            path(place, self.admin_site.admin_view(self.do_of_plugin), name=self._do_name),
            *super().get_urls(),
        ]

    @property
    def _do_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_do_of_plugin"

    # -- the page --

    def all_panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        return [*super().all_panels(request, row), *self.panels_of_plugins(request, row)]

    def panels_of_plugins(self, request: HttpRequest, row: Any) -> list[Panel]:
        return list(surfaces.panels(request, lambda: self.subject(row), self.kind, *self._at(row)))

    def buttons_for(self, request: HttpRequest, row: Any) -> list[tuple[Button, str]]:
        theirs = surfaces.actions(request, self.kind, *self._at(row))
        return [
            *super().buttons_for(request, row),
            *((self._button(*each), self._address(row, *each)) for each in theirs),
        ]

    def _address(self, row: Model, plugin: str, action: RecordAction) -> str:
        return reverse(f"admin:{self._do_name}", args=[row.pk, plugin, action.name])

    def _button(self, plugin: str, action: RecordAction) -> Button:
        return Button(
            name=action.name,
            label=action.title,
            permission=full(plugin, action.permission),
            run=lambda _, request, row: surfaces.act(plugin, action, self.subject(row), str(request.user)),
            icon="extension",
            form=forms.Form if action.question else None,
            asks=action.question,
        )

    def do_of_plugin(self, request: HttpRequest, object_id: str, plugin: str, name: str) -> HttpResponse:
        """Press a plugin's button. Of a plugin that is switched off, or for a person without its right, there is none."""
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        for owner, action in surfaces.actions(request, self.kind, *self._at(row)):
            if (owner, action.name) == (plugin, name):
                return self.press(request, row, self._button(owner, action))
        raise Http404

    # -- the list --

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        theirs = {}
        for plugin, action in surfaces.actions(request, self.kind):
            name = f"{plugin}:{action.name}"
            theirs[name] = (self._for_chosen(plugin, action, name), name, action.title)
        return {**super().get_actions(request), **theirs}

    def _for_chosen(self, plugin: str, action: RecordAction, name: str) -> Any:
        def run(_: Any, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
            chosen = list(rows.order_by("pk")[: MOST + 1])
            if len(chosen) > MOST:
                messages.error(request, f"Choose at most {MOST} at once: you wait until all are done.")
                return None
            if action.question and "confirmed" not in request.POST:
                return self._ask_first(request, self._button(plugin, action), name, chosen)
            self._act_on(request, plugin, action, chosen)
            return None

        return run

    def _act_on(self, request: HttpRequest, plugin: str, action: RecordAction, chosen: list[Any]) -> None:
        done: Counter[str] = Counter()
        failed: Counter[str] = Counter()
        for row in chosen:
            if (plugin, action) not in surfaces.actions(request, self.kind, *self._at(row)):
                failed[f"The plugin {plugin} is switched off for {self.connection(row)}."] += 1
                continue
            try:
                said = surfaces.act(plugin, action, self.subject(row), str(request.user))
            except PortalError as error:
                failed[str(error)] += 1
            else:
                done[said] += 1
                self.log_change(request, row, f"{action.title}: {said}")
        for found, level in ((done, messages.SUCCESS), (failed, messages.ERROR)):
            for said, number in found.most_common(5):
                self.message_user(request, f"{number} × {said}" if number > 1 else said, level)

    def _ask_first(self, request: HttpRequest, button: Button, name: str, chosen: list[Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{button.label}: {len(chosen)} {self.opts.verbose_name_plural}",
            "button": button,
            "form": forms.Form(),
            "hidden": [
                ("action", name),
                ("confirmed", "yes"),
                *((helpers.ACTION_CHECKBOX_NAME, row.pk) for row in chosen),
            ],
            "back": request.get_full_path(),
        }
        return render(request, "desk/ask.html", context)


class RecordAdmin(Plugged, ReadOnlyAdmin):
    """A screen of canonical records."""

    def all_panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        """What plugins add stands before the last box, the record in full."""
        *ours, in_full = self.panels(request, row)
        return [*ours, *self.panels_of_plugins(request, row), in_full]
