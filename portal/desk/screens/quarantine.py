"""Quarantine: what a restore left in doubt, how far it has been looked up, and its early end."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.http import HttpRequest

from portal.desk import show
from portal.desk.base import ReadOnlyAdmin
from portal.desk.buttons import Reason, button
from portal.desk.panels import Panel, text, values
from portal.sync import quarantine
from portal.sync.models import Operation, Quarantine

WHAT = (
    "The database was set back to an older state. What was done since then is forgotten here, and stands at the other "
    "systems. So every source is read again first; then each system is asked whether it has what is about to be sent, and "
    "nothing is sent twice. Stock is read anew before it is written. It ends by itself."
)
AGAIN = "What people did since the backup has to be done again: ties, closed cases, settings, switched flows, new passwords."


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    list_display = ["began", "status", "how", "ended", "ended_by", "reason"]
    list_filter = ["open"]
    joined = ["ended_by"]
    empty = "The database was never restored."
    buttons = ["end_now"]

    @admin.display(ordering="began_at")
    def began(self, row: Quarantine) -> str:
        return show.moment(row.began_at)

    @admin.display(description="state", ordering="open")
    def status(self, row: Quarantine) -> str:
        return show.pill("open", "warn") if row.open else show.pill("ended", "good")

    @admin.display(ordering="ended_at")
    def ended(self, row: Quarantine) -> str:
        return show.moment(row.ended_at)

    def panels(self, request: HttpRequest, row: Quarantine) -> Iterator[Panel]:
        yield text("What this is", WHAT, wide=True, above=True)
        yield values(
            "What happened",
            [
                ("How it was noticed", row.how),
                ("The database remembers until", show.moment(row.remembered)),
                ("It had come as far as", show.moment(row.known) if row.known else "nobody knows"),
                ("Quarantine since", show.moment(row.began_at)),
                *_ending(row),
            ],
        )
        if row.open:
            yield _how_far(row)
        yield text("To be done by people", AGAIN)

    @button(
        "End now",
        permission="sync.end_quarantine",
        icon="lock_open",
        form=Reason,
        asks="Nothing waits for a source any more that has not been read again, so an older change may be sent before a "
        "newer one is known. What is in doubt is still looked up first.",
        shown=lambda row: row.open,
    )
    def end_now(self, request: HttpRequest, row: Quarantine, *, reason: str) -> str:
        quarantine.end(request.user, reason)
        return "The quarantine has ended. What is in doubt is still looked up before it is sent."


def _ending(row: Quarantine) -> list[tuple[str, str]]:
    if row.open:
        return []
    return [
        ("Ended", show.moment(row.ended_at)),
        ("By", str(row.ended_by or "itself")),
        ("Because", row.reason),
    ]


def _how_far(row: Quarantine) -> Panel:
    told = quarantine.progress(row)
    return values(
        "How far it is",
        [
            ("Sources read again", show.bar(told.read, told.reads)),
            ("Waiting for", ", ".join(told.unread) or "no source"),
            ("To be looked up", show.link(_list("ready"), f"{told.to_look_up:,}")),
            ("Found to be done already", f"{told.found:,}"),
            ("For a person", show.link(_list("review"), f"{told.for_people:,}")),
        ],
        link=(show.listing(Operation), "Operations"),
    )


def _list(state: str) -> str:
    return show.listing(Operation, state__exact=state)
