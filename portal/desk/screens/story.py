"""Attempts and facts: everything that was tried, and everything that happened, searchable."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, values
from portal.desk.records import record_link
from portal.sync.models import Attempt, Fact


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    joined = ["operation__connection"]
    list_display = ["what", "number", "outcome", "started", "took", "message"]
    list_filter = ["outcome", ("operation__connection", ConnectionFilter)]
    search_fields = ["operation__label", "message"]
    date_hierarchy = "started_at"
    empty = "Every try at an operation stands here, as it ended."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        return super().get_queryset(request).defer("operation__payload", "operation__receipt")

    @admin.display(description="operation", ordering="operation__label")
    def what(self, row: Attempt) -> str:
        return str(row.operation)

    @admin.display(description="began", ordering="started_at")
    def started(self, row: Attempt) -> str:
        return show.ago(row.started_at)

    @admin.display(ordering="milliseconds")
    def took(self, row: Attempt) -> str:
        return f"{row.milliseconds} ms"

    def panels(self, request: HttpRequest, row: Attempt) -> Iterator[Panel]:
        yield values(
            "Attempt",
            [
                ("Operation", show.row_link(row.operation)),
                ("Number", row.number),
                ("Outcome", row.outcome),
                ("Began", show.moment(row.started_at)),
                ("Took", self.took(row)),
                ("Message", row.message),
            ],
        )


@admin.register(Fact)
class FactAdmin(ReadOnlyAdmin):
    list_display = ["at", "kind", "text", "record"]
    list_display_links = ["at"]
    list_filter = ["kind"]
    search_fields = ["text"]
    date_hierarchy = "at"
    ordering = ["-at", "-pk"]
    empty = "What happens to records is told here, line by line."

    @admin.display(ordering="record_id")
    def record(self, row: Fact) -> str:
        return record_link(row.kind, row.record_id, f"{row.kind} {row.record_id}")

    def panels(self, request: HttpRequest, row: Fact) -> Iterator[Panel]:
        yield values(
            "Fact",
            [
                ("When", show.moment(row.at)),
                ("Record", self.record(row)),
                ("What", row.text),
                ("Operation", show.row_link(row.operation)),
            ],
        )
        if row.data:
            yield raw("More", data=row.data)
