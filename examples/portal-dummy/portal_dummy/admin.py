"""Dummy's own list in the admin. It looks like the portal's, because it is made with the portal's base."""

from django.contrib import admin
from portal.sdk.django import ModelAdmin

from portal_dummy.models import Note


@admin.register(Note)
class NoteAdmin(ModelAdmin):
    list_display = ["at", "kind", "text"]
    list_filter = ["kind"]
    search_fields = ["text"]
    date_hierarchy = "at"
    empty = "No notes yet. They come with the first order, or press “Note it” on a record's page."
