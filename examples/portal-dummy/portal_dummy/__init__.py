"""A plugin that uses every hook and every place that the portal offers. Read it beside `docs/plugins.md`.

Django imports this module before it knows the models, so what needs them is imported where it is asked for.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from portal.sdk import (
    CaseOpened,
    Connector,
    FlowInfo,
    Match,
    Offer,
    OperationDone,
    Permission,
    PluginJob,
    PluginSettings,
    PluginUrl,
    Record,
    RecordAction,
    RecordApplied,
    RecordPanel,
    Retention,
    StockLevel,
    Tile,
    Topic,
    Transform,
    Unmatched,
    WebhookHeard,
    hook,
)
from portal.sdk.decisions import Route
from portal.sdk.subjects import RecordKind

KINDS: tuple[RecordKind, ...] = ("order", "refund", "shipment", "product", "location", "stock")

# -- what it adds, behind the screens --


@hook
def register_connectors() -> Iterable[type[Connector]]:
    from portal_dummy.connector import Dummy

    return [Dummy]


@hook
def register_jobs() -> Iterable[PluginJob]:
    from portal_dummy import jobs

    return [
        PluginJob("count", "Count the notes", timedelta(hours=1), jobs.count),
        PluginJob("greet", "Greet Dummy", timedelta(hours=1), jobs.greet, connectors=("dummy",)),
    ]


@hook
def register_topics() -> Iterable[Topic]:
    return [Topic("dummy", "parcel.sent")]


@hook
def register_transforms() -> Iterable[Transform]:
    return [Transform("shout", "In capitals", lambda value: str(value).upper())]


@hook
def register_settings() -> Iterable[type[PluginSettings]]:
    from portal_dummy.settings import NoteSettings

    return [NoteSettings]


@hook
def register_permissions() -> Iterable[Permission]:
    return [Permission("note", "Can note records", roles=("operator",))]


@hook
def register_retention() -> Iterable[Retention]:
    from portal_dummy.notes import purge

    return [Retention("notes", "Notes", timedelta(days=90), purge)]


# -- what it shows --


@hook
def register_panels() -> Iterable[RecordPanel]:
    from portal_dummy.surfaces import show_notes

    return [RecordPanel("notes", "Dummy's notes", KINDS, show_notes)]


@hook
def register_actions() -> Iterable[RecordAction]:
    from portal_dummy.surfaces import note_it

    question = "Shall Dummy write a line about it?"
    return [RecordAction("note", "Note it", KINDS, note_it, permission="note", question=question)]


@hook
def register_tiles() -> Iterable[Tile]:
    from portal_dummy.surfaces import show_today

    return [Tile("notes", "Dummy's notes", show_today)]


@hook
def register_urls() -> Iterable[PluginUrl]:
    return [
        PluginUrl("notes/", "portal_dummy.views.notes", "notes"),
        PluginUrl("status/", "portal_dummy.views.status", "status", public=True),
    ]


# -- what it is asked --


@hook
def decide_route(flow: FlowInfo, records: Sequence[Record]) -> Iterable[Route]:
    from portal_dummy.decisions import route

    return route(flow, records)


@hook
def decide_availability(levels: Sequence[StockLevel]) -> Iterable[Offer]:
    from portal_dummy.decisions import availability
    from portal_dummy.settings import NoteSettings

    return availability(levels, NoteSettings.read().keep_back)


@hook
def decide_match(unmatched: Sequence[Unmatched]) -> Iterable[Match]:
    from portal_dummy.decisions import match

    return match(unmatched)


# -- what it is told --


@hook
def on_record_applied(event: RecordApplied) -> Iterable[str]:
    from portal_dummy.notes import note

    subject = event.subject
    text = f"Dummy saw that it {'came' if event.new else 'changed'}."
    return note(event.key, text, kind=subject.kind, record_id=subject.id, at=event.at)


@hook
def on_operation_done(event: OperationDone) -> Iterable[str]:
    from portal_dummy.notes import note

    text = f"Dummy saw that {event.flow.target} has it as {event.remote_id}."
    return note(event.key, text, kind=event.kind, record_id=event.record_id, at=event.at)


@hook
def on_case_opened(event: CaseOpened) -> Iterable[str]:
    from portal_dummy.notes import note

    return note(
        event.key, f"Dummy saw a case: {event.title}", kind="case", record_id=event.case_id, at=event.at
    )


@hook
def on_webhook(event: WebhookHeard) -> Iterable[str]:
    from portal_dummy.notes import note

    return note(event.key, f"Dummy heard {event.topic} of {event.external_id}.", at=event.at)
