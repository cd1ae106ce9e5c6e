"""Which product or location of ours is meant by what a connection calls so: identity by SKU and by code.

The *master* (the source of the stock) creates products and locations; every other connection is matched
against them. What cannot be matched for sure becomes a trouble with its mending step and an untied
reference, which a person ties; nothing is ever guessed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from portal.connections.models import Connection, Reference
from portal.records.matching import matches
from portal.records.natural import SUBJECTS, Subject
from portal.records.rows import insert, update
from portal.records.trouble import Trouble
from portal.records.written import Written

# Letters that look like Latin ones and are not (Greek and Cyrillic capitals and their small forms).
_LOOKALIKES = str.maketrans("авекмнорстухіјѕαβεικνορτυχγ0", "abekmhopctyxijsabeikvoptuxyo")


def fold(text: str) -> str:
    """What texts have in common that a person would take for the same: ``"ab-1"`` and ``"АВ 1"``."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_LOOKALIKES)
    return "".join(letter for letter in plain if letter.isalnum())


def _folded(subject: Subject, key: str) -> str:
    """Folding may make a text longer ("ß" becomes "ss"); the column is as wide as the key's."""
    return fold(key)[: subject.model._meta.get_field("folded").max_length]


@dataclass(slots=True)
class Identified:
    """What a page of products or locations led to. ``tied`` are subjects (see ``Trouble``) now settled."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    tied: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)


def identify(
    connection: Connection, kind: str, found: Sequence[Written], *, master: bool, sure: bool, now: datetime
) -> Identified:
    """Tie a page of products or locations to ours; the master's also create and update them.

    ``sure`` says that the master was read to its end before: only then is what nobody knows a trouble.
    Runs inside the caller's transaction, which holds the connection's lock.
    """
    subject, result = SUBJECTS[kind], Identified()
    records = {item.record.external_id: item.record for item in found}
    keys = {external_id: getattr(record, subject.key) for external_id, record in records.items()}
    if master:
        named = [item for item in found if getattr(item.record, subject.key)]
        _create(connection, subject, named, result, now)
    _tie(connection, subject, keys, result, sure=sure or master, records=records)
    return result


def identify_waiting(connection: Connection, kind: str) -> Identified:
    """Try again what of this connection is not tied yet: the master's list is complete now."""
    result = Identified()
    untied = Reference.objects.filter(connection=connection, kind=kind, record_id=None)
    keys = dict(untied.exclude(state=Reference.State.REJECTED).values_list("external_id", "label"))
    _tie(connection, SUBJECTS[kind], keys, result, sure=True, records={})
    return result


def _create(
    connection: Connection, subject: Subject, found: list[Written], result: Identified, now: datetime
) -> None:
    """Insert or update the master's own rows, by their natural key."""
    manager = subject.model.objects
    by_key = {getattr(item.record, subject.key): item for item in reversed(found)}
    known = {getattr(row, subject.key): row for row in manager.filter(**{f"{subject.key}__in": list(by_key)})}
    new, changed, seen_again = [], [], []
    for key, item in by_key.items():
        row = known.get(key)
        if row is not None and (row.digest == item.digest or row.version > item.record.version):
            result.unchanged += 1
            if item.record.version > row.version:
                row.version = item.record.version
                seen_again.append(row)
            continue
        values = {
            "external_id": item.record.external_id,
            "version": item.record.version,
            "digest": item.digest,
            "data": item.data,
            "raw": item.evidence(),
            "changed_at": now,
            "folded": _folded(subject, key),
            subject.key: key,
            **_extra(subject, item.record),
        }
        if row is None:
            new.append(subject.model(origin=connection, **values))
        else:
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    update(seen_again, ["version"])
    insert(new)
    if changed:
        update(changed, list(values))
    result.created, result.changed = len(new), len(changed)


def _extra(subject: Subject, record: Any) -> dict[str, Any]:
    if subject.kind == "product":
        return {"title": record.title[:500], "active": record.active}
    return {"name": record.name[:200]}


def _tie(
    connection: Connection,
    subject: Subject,
    keys: dict[str, str],
    result: Identified,
    *,
    sure: bool,
    records: Mapping[str, Any],
) -> None:
    """Make the references of one page: confirmed where the key is the same, untied with a trouble where not."""
    references = {
        reference.external_id: reference
        for reference in Reference.objects.filter(
            connection=connection, kind=subject.kind, external_id__in=list(keys)
        )
    }
    open_keys = {
        external_id: key
        for external_id, key in keys.items()
        if external_id not in references
        or references[external_id].label != key
        or (
            references[external_id].record_id is None
            and references[external_id].state != Reference.State.REJECTED
        )
    }
    if not open_keys:
        return
    manager = subject.model.objects
    rows = {
        getattr(row, subject.key): row
        for row in manager.filter(**{f"{subject.key}__in": list(open_keys.values())})
    }
    alike = {
        row.folded: row
        for row in manager.filter(folded__in=[_folded(subject, key) for key in open_keys.values() if key])
    }
    taken = {
        reference.record_id: reference
        for reference in Reference.objects.filter(
            connection=connection,
            kind=subject.kind,
            state=Reference.State.CONFIRMED,
            record_id__in=[row.pk for row in rows.values()],
        )
    }
    old = [references[each].record_id for each in open_keys if each in references]
    names = dict(manager.filter(pk__in=old).values_list("pk", subject.key))
    unmatched = {
        each: key for each, key in open_keys.items() if key not in rows and not _is_tied(references, each)
    }
    known = {row.pk for row in rows.values()}
    meant = matches(connection, subject, unmatched, records, known) if sure else {}
    changed: list[Reference] = []
    for external_id, key in open_keys.items():
        reference = references.get(external_id) or Reference(
            connection=connection, kind=subject.kind, external_id=external_id
        )
        row = (rows.get(key) if key else None) or meant.get(external_id)
        tied_by_hand = row is None and names.get(reference.record_id, reference.label) != reference.label
        if tied_by_hand:
            reference.label = key[:200]
        elif row is not None and taken.get(row.pk, reference).external_id == external_id:
            reference.label, reference.record_id = key[:200], row.pk
            reference.state = Reference.State.CONFIRMED
            taken[row.pk] = reference
            result.tied.append(_subject(connection, subject, external_id))
        else:
            guess = row or alike.get(_folded(subject, key)) if key else None
            reference.label, reference.record_id = key[:200], None
            reference.state = Reference.State.SUGGESTED
            if sure:
                result.troubles.append(
                    _trouble(connection, subject, reference, guess, doubled=row is not None)
                )
        changed.append(reference)
    insert([reference for reference in changed if reference.pk is None])
    update(
        [reference for reference in changed if reference.external_id in references],
        ["label", "record_id", "state"],
    )


def _is_tied(references: Mapping[str, Reference], external_id: str) -> bool:
    return external_id in references and references[external_id].record_id is not None


def _subject(connection: Connection, subject: Subject, external_id: str) -> str:
    return f"{subject.kind}:{connection.pk}:{external_id}"


def _trouble(
    connection: Connection, subject: Subject, reference: Reference, guess: Any | None, *, doubled: bool
) -> Trouble:
    name, word = reference.label, subject.word
    if not name:
        cause, title = f"no-{subject.kind}-key", f"A {subject.kind} of {connection} has no {word}"
        mend = f"Give it a {word} there, or tie it by hand under References."
    elif doubled:
        cause = f"doubled-{subject.kind}"
        title = f"The {word} {name} is there more than once in {connection}"
        mend = f"Give each its own {word} there; only the first one met is kept in step until then."
    elif guess is not None:
        cause = f"look-alike-{subject.kind}"
        title = f"The {word} {name} of {connection} looks like {guess} and is not the same"
        mend = f"Correct the {word} there, or tie it to {guess} under References if it is meant."
    else:
        cause = f"unknown-{subject.kind}"
        title = f"{connection} has the {word} {name}, which nobody else knows"
        mend = "Create it in the system that leads the stock, or tie it by hand under References."
    return Trouble(
        cause=cause,
        key=f"{connection.pk}:{cause}:{name}",
        title=title,
        mend=mend,
        subject=_subject(connection, subject, reference.external_id),
        label=f"{subject.kind} {name or reference.external_id}",
        message=f"{title} (its id there is {reference.external_id}).",
    )
