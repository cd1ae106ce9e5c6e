"""References: which id in which system means which record of ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When
from django.http import HttpRequest
from django.utils.html import format_html

from portal.connections.models import Reference
from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import Button, button
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, text, timeline, values
from portal.desk.records import MODELS, record_link
from portal.records.identity import fold
from portal.records.models import Location, Product, StockLevel
from portal.sync import mending

CHANGE = "connections.change_reference"
NAMED: dict[str, tuple[type[Any], str]] = {"product": (Product, "sku"), "location": (Location, "code")}
"""The kinds that people tie, with the name that people know them by; the others are tied by what was sent."""


URGENCY = Case(When(record_id=None, then=Value(0)), When(state="suggested", then=Value(1)), default=Value(2))
"""What is not tied comes first, then what is only suggested."""


class Tied(admin.SimpleListFilter):
    title = "tie"
    parameter_name = "tied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "not tied"), ("yes", "tied")]

    def queryset(self, request: HttpRequest, rows: QuerySet[Reference]) -> QuerySet[Reference]:
        return rows if self.value() is None else rows.filter(record_id__isnull=self.value() == "no")


class TieForm(forms.Form):
    """Which of our records is meant. Made by :meth:`of` for the kind of the reference."""

    record: forms.ModelChoiceField

    @classmethod
    def of(cls, reference: Reference, data: Any) -> TieForm:
        model, name = NAMED[reference.kind]
        form = cls(data)
        form.fields["record"] = forms.ModelChoiceField(
            queryset=model.objects.defer("data", "raw"),
            label=f"Our {reference.kind}",
            help_text=f"Type a part of the {model._meta.get_field(name).verbose_name}.",
            initial=model.objects.filter(folded=fold(reference.label)).first(),
            widget=AutocompleteSelect(StockLevel._meta.get_field(reference.kind), admin.site),
        )
        return form


def _tieable(row: Reference) -> bool:
    return row.kind in NAMED


@admin.register(Reference)
class ReferenceAdmin(ReadOnlyAdmin):
    joined = ["connection"]
    list_display = ["label_shown", "kind", "connection_link", "external_id", "status", "tied_to"]
    list_filter = [Tied, "state", "kind", ("connection", ConnectionFilter)]
    ordering = [URGENCY.asc(), "connection__name", "kind", "label"]
    search_fields = ["label", "external_id"]
    search_help_text = "What people call it, or its id there"
    empty = "References appear when products and locations are read, and when orders are sent."
    buttons = ["tie", "confirm", "untie"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Reference]:
        named = Case(
            *(
                When(
                    kind=kind, then=Subquery(model.objects.filter(pk=OuterRef("record_id")).values(name)[:1])
                )
                for kind, (model, name) in NAMED.items()
            ),
            default=F("label"),
        )
        rows = super().get_queryset(request)
        return rows.annotate(tied_name=named)

    # -- the list --

    @admin.display(description="called", ordering="label")
    def label_shown(self, row: Reference) -> str:
        return row.label or row.external_id

    @admin.display(description="connection", ordering="connection__name")
    def connection_link(self, row: Reference) -> str:
        return show.row_link(row.connection)

    @admin.display(description="state", ordering="state")
    def status(self, row: Reference) -> str:
        return show.state(row) if row.record_id else show.pill("not tied", "bad")

    @admin.display(description="our record", ordering="record_id")
    def tied_to(self, row: Any) -> str:
        if row.record_id and row.kind in MODELS:
            return record_link(row.kind, row.record_id, row.tied_name or f"{row.kind} {row.record_id}")
        if _tieable(row):
            return format_html('<a class="desk-link" href="{}">Tie…</a>', self.button_address(row, "tie"))
        return show.NOTHING

    # -- the page --

    def panels(self, request: HttpRequest, row: Any) -> Iterator[Panel]:
        if row.record_id is None:
            said = (
                f"Nobody knows which {row.kind} of ours {row.connection} means by “{row.label or row.external_id}”. "
                "Tie it, and everything that waits for it goes on."
            )
            yield text("Not tied", said, "warn", wide=True)
        yield values(
            "Reference",
            [
                ("Kind", row.kind),
                ("Connection", show.row_link(row.connection)),
                ("Id there", row.external_id),
                ("Called there", row.label),
                ("Our record", self.tied_to(row)),
                ("State", self.status(row)),
                ("Since", show.moment(row.created_at)),
            ],
            wide=True,
        )
        if row.record_id:
            yield timeline([(row.kind, [row.record_id])])

    # -- the buttons --

    def button_form(self, row: Any, button: Button, data: Any) -> Any:
        return TieForm.of(row, data)

    @button("Tie", permission=CHANGE, icon="link", style="primary", form=TieForm, shown=_tieable)
    def tie(self, request: HttpRequest, row: Reference, record: Product | Location) -> str:
        released = mending.tie(row, record.pk, request.user)
        waited = f" {released} operations that waited for it go on." if released else ""
        return f"{row} means {record}.{waited}"

    @button(
        "Confirm",
        permission=CHANGE,
        icon="check",
        shown=lambda row: row.record_id is not None and row.state == Reference.State.SUGGESTED,
    )
    def confirm(self, request: HttpRequest, row: Reference) -> str:
        if row.record_id is None:
            raise ValueError("There is no suggestion to confirm; tie it.")
        mending.tie(row, row.record_id, request.user)
        return f"{row} is confirmed."

    @button(
        "Untie",
        permission=CHANGE,
        icon="link_off",
        style="danger",
        shown=lambda row: _tieable(row) and row.record_id is not None,
    )
    def untie(self, request: HttpRequest, row: Reference) -> str:
        mending.untie(row, request.user)
        return f"{row} is not tied any more. What needs it is held from now on."
