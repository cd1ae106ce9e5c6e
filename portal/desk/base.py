"""What every screen has: an empty state that says what to do, CSV of the filtered list, panels and buttons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, reverse

from portal.desk.buttons import Button
from portal.desk.export import as_csv
from portal.desk.panels import Panel
from portal.sdk import PortalError
from portal.sdk.django import ModelAdmin


class DeskAdmin(ModelAdmin):
    """A screen: the list and the page of one kind of row.

    ``joined`` are the relations that the list and the page read with the row itself; credentials of joined
    connections are left in the database.
    """

    change_list_template = "desk/change_list.html"
    change_form_template = "desk/change_form.html"
    joined: Sequence[str] = ()
    buttons: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if not self.joined:
            return rows
        return rows.select_related(*self.joined).defer(*_secrets(self.model, self.joined))

    def panels(self, request: HttpRequest, row: Any) -> Iterable[Panel]:
        """The boxes of a row's page."""
        return ()

    def all_panels(self, request: HttpRequest, row: Any) -> list[Panel]:
        """The same with those that others add."""
        return list(self.panels(request, row))

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        site = self.admin_site
        return [
            path("export/", site.admin_view(self.export), name=f"{name}_export"),
            path("<path:object_id>/do/<slug:name>/", site.admin_view(self.do), name=f"{name}_do"),
            *super().get_urls(),
        ]

    # -- the page --

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id)) if object_id else None
        more: dict[str, Any] = {}
        if row is not None and request.method == "GET" and self.has_view_permission(request, row):
            panels = self.all_panels(request, row)
            more = {
                "panels_above": [panel for panel in panels if panel.above],
                "panels": [panel for panel in panels if not panel.above],
                "desk_buttons": self.buttons_for(request, row),
            }
        more["show_save_and_add_another"] = False
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **more})

    def buttons_for(self, request: HttpRequest, row: Any) -> list[tuple[Button, str]]:
        """The buttons this person may press on this row now, each with its address."""
        found = (self.button(name) for name in self.buttons)
        return [
            (button, self.button_address(row, button.name))
            for button in found
            if request.user.has_perm(button.permission) and button.shown(row)
        ]

    def button(self, name: str) -> Button:
        button: Button = getattr(self, name).button
        return button

    def button_address(self, row: Model, name: str) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_do", args=[row.pk, name])

    def do(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Press a button: ask what it needs to know, do it, say what came of it."""
        if name not in self.buttons:
            raise Http404
        row, button = self.get_object(request, unquote(object_id)), self.button(name)
        if row is None:
            raise Http404
        return self.press(request, row, button)

    def press(self, request: HttpRequest, row: Any, button: Button) -> HttpResponse:
        if not (self.has_view_permission(request, row) and request.user.has_perm(button.permission)):
            raise PermissionDenied
        answers = self.ask(request, row, button)
        if isinstance(answers, HttpResponse):
            return answers
        try:
            said = button.run(self, request, row, **answers)
        except (ValueError, PortalError) as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, row, f"{button.label}: {said}")
            messages.success(request, said)
        return redirect(reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]))

    def ask(self, request: HttpRequest, row: Any, button: Button) -> dict[str, Any] | HttpResponse:
        """The answers to the button's form, or the page that asks for them."""
        if button.form is None:
            return {} if request.method == "POST" else HttpResponseNotAllowed(["POST"])
        form = self.button_form(row, button, request.POST if request.method == "POST" else None)
        if form.is_bound and form.is_valid():
            return dict(form.cleaned_data)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "title": button.label,
            "button": button,
            "form": form,
            "media": self.media + form.media,
            "back": reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk]),
        }
        return render(request, "desk/ask.html", context)

    def button_form(self, row: Any, button: Button, data: Any) -> Any:
        assert button.form is not None
        return button.form(data)

    # -- the list --

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        # One page asks before something is deleted, and says what hangs on it.
        return {
            name: action for name, action in super().get_actions(request).items() if name != "delete_selected"
        }

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return as_csv(self.get_changelist_instance(request))


class ReadOnlyAdmin(DeskAdmin):
    """A screen for what only the engine writes. What people may do about it is a button."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return []


def _secrets(model: type[Model], joined: Iterable[str]) -> list[str]:
    """The credential columns of every connection among the joined relations."""
    from portal.connections.models import Connection

    found = []
    for relation in joined:
        target: Any = model
        for step in relation.split("__"):
            target = target._meta.get_field(step).related_model
        if target is Connection:
            found += [f"{relation}__credentials", f"{relation}__webhook_secrets"]
    return found
