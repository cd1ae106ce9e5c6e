"""The admin base for plugins that are Django apps: screens made with it look like the portal's own.

>>> from portal.sdk.django import ModelAdmin  # doctest: +SKIP
... @admin.register(Parcel)
... class ParcelAdmin(ModelAdmin):
...     list_display = ["number", "sent_at"]
...     empty = "No parcels yet. They come with the first shipment."

Which library draws the admin is the portal's affair: a plugin imports this and never that library.
"""

from __future__ import annotations

from unfold.admin import ModelAdmin as _ModelAdmin
from unfold.admin import StackedInline, TabularInline

__all__ = ["ModelAdmin", "StackedInline", "TabularInline"]


class ModelAdmin(_ModelAdmin):
    """Django's ``ModelAdmin`` in the portal's look.

    ``empty`` is the sentence that an empty list shows: what would be here, and what to do for it.
    """

    empty: str = ""
    list_per_page = 50
    # Counting a whole table for each filtered page is what makes big lists slow.
    show_full_result_count = False
