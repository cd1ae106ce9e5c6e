"""A list as CSV: the rows that the filters leave, in the columns that the list shows."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from datetime import date
from html import unescape
from typing import Any

from django.contrib.admin.utils import label_for_field, lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst

TAG = re.compile(r"<[^>]*>")
# A spreadsheet takes a cell that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """csv writes into this; each line is handed on at once, so that any number of rows fits."""

    def write(self, value: str) -> str:
        return value


def as_csv(changelist: ChangeList) -> StreamingHttpResponse:
    """The whole filtered list, not only its page, streamed."""
    name = changelist.model._meta.verbose_name_plural
    response = StreamingHttpResponse(_lines(changelist), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name} {timezone.localdate()}.csv"'
    return response


def _lines(changelist: ChangeList) -> Iterator[str]:
    columns = [str(column) for column in changelist.list_display if column != "action_checkbox"]
    screen, writer = changelist.model_admin, csv.writer(_Line())
    # Spreadsheets take a file without the mark for an old encoding.
    yield "\ufeff"
    yield writer.writerow(
        capfirst(str(label_for_field(column, changelist.model, model_admin=screen))) for column in columns
    )
    for row in changelist.queryset.iterator(chunk_size=1000):
        yield writer.writerow(cell(column, row, screen) for column in columns)


def cell(column: str, row: Model, screen: Any) -> str:
    """One value as plain text; moments in ISO 8601, choices in their words."""
    try:
        found, _, value = lookup_field(column, row, screen)
    except ObjectDoesNotExist:
        return ""
    if found is not None and getattr(found, "flatchoices", None):
        value = dict(found.flatchoices).get(value, value)
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        return str(value)
    # Only what the desk marked up itself has tags; a remote's "<b>" is text and stays.
    plain = " ".join(unescape(TAG.sub(" ", value)).split()) if isinstance(value, SafeString) else value
    return f"'{plain}" if plain.startswith(FORMULA) and not _is_number(plain) else plain


def _is_number(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
