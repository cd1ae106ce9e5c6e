"""Which of ours plugins take an unknown product or location for, asked once for a page."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from portal.connections.models import Connection, Reference
from portal.connections.plugin_switches import off_for
from portal.plugins.asking import ask, deciders
from portal.plugins.failures import record
from portal.records.natural import Subject
from portal.records.subjects import info_of
from portal.sdk import Match, Unmatched

HOOK = "decide_match"


def matches(
    connection: Connection,
    subject: Subject,
    unmatched: Mapping[str, str],
    records: Mapping[str, Any],
    known: Collection[int],
) -> dict[str, Any]:
    """Our rows that plugins say are meant, by external id; ``unmatched`` are the keys by which they are called there.

    ``known`` are the rows that the page names by their own keys. An answer that names none of ours, or one that is
    tied in this connection already, is refused and laid to the plugin.
    """
    if not unmatched or not deciders(HOOK):
        return {}
    decided = ask(
        HOOK,
        unmatched.keys(),
        _refuse,
        off=off_for(connection.slug),
        connection=info_of(connection),
        kind=subject.kind,
        unmatched=tuple(Unmatched(each, unmatched[each], records.get(each)) for each in unmatched),
    )
    named = {each.answer.key for each in decided.values()}
    rows = {
        getattr(row, subject.key): row
        for row in subject.model.objects.filter(**{f"{subject.key}__in": named})
    }
    tied = Reference.objects.filter(connection=connection, kind=subject.kind, state=Reference.State.CONFIRMED)
    held = tied.filter(record_id__in=[row.pk for row in rows.values()])
    taken = {*known, *held.values_list("record_id", flat=True)}
    found: dict[str, Any] = {}
    for external_id, each in decided.items():
        row = rows.get(each.answer.key)
        if row is None or row.pk in taken:
            why = "which is not ours" if row is None else f"which is tied to another in {connection}"
            said = (
                f"Its hook {HOOK} answered {each.answer.key!r} for {external_id!r}, {why}. It is left untied."
            )
            transaction.on_commit(partial(record, each.plugin, said), robust=True)
            continue
        found[external_id] = row
        taken.add(row.pk)
    return found


def _refuse(answer: Any) -> str:
    if isinstance(answer, Match) and isinstance(answer.key, str):
        return ""
    return f"it answered {answer!r}, which is no Match"
