"""Events: what remotes told us by webhook, as it came in."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import button
from portal.desk.filters import ConnectionFilter
from portal.desk.panels import Panel, raw, values
from portal.desk.redact import shown_body, shown_headers
from portal.sync.models import Event
from portal.sync.reread import read_again


def _closed(row: Event) -> bool:
    return row.state != Event.State.NEW


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    joined = ["connection"]
    list_display = ["topic", "status", "connection_link", "kind", "external_id", "received", "processed"]
    list_filter = ["state", ("connection", ConnectionFilter), "kind", "topic"]
    search_fields = ["external_id", "topic", "dedupe_key"]
    date_hierarchy = "received_at"
    buttons = ["read_again"]
    empty = "Webhooks stand here. Open a connection and press Subscribe webhooks, if it offers that."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        return super().get_queryset(request).defer("body", "headers")

    @admin.display(description="state", ordering="state")
    def status(self, row: Event) -> str:
        return show.state(row)

    @admin.display(description="from", ordering="connection__name")
    def connection_link(self, row: Event) -> str:
        return show.row_link(row.connection)

    @admin.display(ordering="received_at")
    def received(self, row: Event) -> str:
        return show.ago(row.received_at)

    @admin.display(ordering="processed_at")
    def processed(self, row: Event) -> str:
        return show.ago(row.processed_at, "not yet")

    @button("Read again", permission="sync.change_event", icon="sync", shown=_closed)
    def read_again(self, request: HttpRequest, row: Event) -> str:
        read_again(row)
        return f"The {row.kind} {row.external_id} is read again now."

    def panels(self, request: HttpRequest, row: Event) -> Iterator[Panel]:
        yield values(
            "Event",
            [
                ("From", show.row_link(row.connection)),
                ("Topic", row.topic),
                ("About", f"{row.kind} {row.external_id}".strip() or "nothing, a ping"),
                ("State", show.state(row)),
                ("Tries", row.attempts),
                ("Signed with", row.signed_with),
                ("Received", show.moment(row.received_at)),
                ("Read again", show.moment(row.processed_at)),
                ("Known by", row.dedupe_key),
            ],
        )
        yield raw(
            "As it came in", body=shown_body(row.body, row.connection), headers=shown_headers(row.headers)
        )
