"""For plugins that are Django apps or have pages of their own: what is made with it looks like the portal's own.

>>> from portal.sdk.django import ModelAdmin  # doctest: +SKIP
... @admin.register(Parcel)
... class ParcelAdmin(ModelAdmin):
...     list_display = ["number", "sent_at"]
...     empty = "No parcels yet. They come with the first shipment."

Which library draws the admin is the portal's affair: a plugin imports this and never that library.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.admin import ModelAdmin as _ModelAdmin
from unfold.admin import StackedInline, TabularInline
from unfold.views import ChangeList as _ChangeList

from portal.sdk.surfaces import Block

__all__ = ["ModelAdmin", "StackedInline", "TabularInline", "page"]


def page(request: HttpRequest, title: str, blocks: Iterable[Block]) -> HttpResponse:
    """The answer of a view for staff: a page in the portal's frame with these blocks (``Text``, ``Values``, ``Table``).

    A page that wants more renders a template of its own that extends ``admin/base_site.html``, with
    ``admin.site.each_context(request)``.
    """
    context = {**admin.site.each_context(request), "title": title, "blocks": list(blocks)}
    return render(request, "desk/plugin_page.html", context)


class ModelAdmin(_ModelAdmin):
    """Django's ``ModelAdmin`` in the portal's look.

    ``empty`` is the sentence that an empty list shows: what would be here, and what to do for it.
    """

    empty: str = ""
    empty_value_display = "–"
    list_per_page = 50
    # Counting a whole table for each filtered page is what makes big lists slow.
    show_full_result_count = False

    def get_changelist(self, request: Any, **kwargs: Any) -> type[_ChangeList]:
        return _List


class _List(_ChangeList):
    """Without a search or a filter the number of rows is said once, not as a result among all."""

    def get_results(self, request: Any) -> None:
        super().get_results(request)
        if not (self.query or self.has_active_filters):
            self.full_result_count = self.result_count
