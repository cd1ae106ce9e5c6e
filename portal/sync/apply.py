"""Applying a page: records, references, facts, cases and the operations they cause, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from portal.connections.models import Connection, Reference
from portal.records.identity import Identified, identify, identify_waiting
from portal.records.plain import clean, storable_levels
from portal.records.store import Stored, store
from portal.records.trouble import Trouble
from portal.records.written import BAD_LETTERS, CannotBeKept, Written, written
from portal.sdk import Found, Page, Rejected
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.doors import ring_checks
from portal.sync.facts import note
from portal.sync.flows import is_master, master_was_read
from portal.sync.levels import store_levels
from portal.sync.models import Case
from portal.sync.notices import About, announce
from portal.sync.recheck import recheck_refunds
from portal.sync.release import release
from portal.sync.route import route


def apply_page(
    connection: Connection,
    kind: str,
    page: Page[Any],
    *,
    began: datetime,
    then: Callable[[], None] | None = None,
) -> Counter[str]:
    """Store one page and all that follows from it; ``then`` (moving the cursor, closing events) commits with it.

    ``began`` is when the reading started, by our clock. Returns counts by what became of the records.
    Pages of one connection are applied one after the other, held by a lock on its row.
    """
    found, unstorable = _ready(kind, page.found)
    rejected = (*page.rejected, *unstorable)
    with transaction.atomic():
        Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        now = db_now()
        if kind in ("product", "location"):
            counts = _apply_identity(connection, kind, found, now)
        elif kind == "stock":
            counts = store_levels(connection, found, began=began)
        else:
            counts = _apply_records(connection, kind, found, now)
        _set_aside(connection, kind, [item.record.external_id for item in found], rejected, now)
        if rejected:
            counts["rejected"] += len(rejected)
        if then is not None:
            then()
    return counts


def _ready(kind: str, found: Sequence[Found[Any]]) -> tuple[Sequence[Any], list[Rejected]]:
    """What can be stored, encoded before anything is locked; a record that no database takes is set aside like one
    that cannot be read."""
    if kind == "stock" and storable_levels(item.record for item in found):
        return found, []
    ready, rejected = [], []
    for item in found:
        try:
            ready.append(_fit(kind, item))
        except CannotBeKept as error:
            rejected.append(Rejected(clean(item.record.external_id), clean(str(error))))
    return ready, rejected


def _fit(kind: str, item: Found[Any]) -> Found[Any] | Written:
    if kind != "stock":
        return written(item)
    if not storable_levels([item.record]):
        raise CannotBeKept(BAD_LETTERS)
    return item


def _apply_records(
    connection: Connection, kind: str, found: Sequence[Written], now: datetime
) -> Counter[str]:
    stored = store(connection, kind, found, now)
    note(kind, _news(connection, kind, stored), now)
    announce("on_record_applied", _told(connection, kind, stored), now)
    route(connection, kind, stored.touched, now, new={row.pk for row in stored.new})
    if kind == "order" and stored.touched:
        release("order", now)
        recheck_refunds([*(row.pk for row in stored.changed), *stored.awaited], now)
    return Counter(
        new=len(stored.new), changed=len(stored.changed), unchanged=stored.unchanged, older=stored.older
    )


def _apply_identity(
    connection: Connection, kind: str, found: Sequence[Written], now: datetime
) -> Counter[str]:
    result = identify(
        connection, kind, found, master=is_master(connection), sure=master_was_read(kind), now=now
    )
    _follow_identity(connection, kind, result, now)
    return Counter(
        new=result.created,
        changed=result.changed,
        unchanged=result.unchanged,
        tied=len(result.tied),
        troubles=len(result.troubles),
    )


def tie_waiting(kind: str) -> None:
    """The master's products or locations were read to their end: tie what waited for them elsewhere."""
    waiting = Reference.objects.filter(kind=kind, record_id=None).values("connection")
    for connection in Connection.objects.filter(pk__in=waiting):
        with transaction.atomic():
            Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
            _follow_identity(connection, kind, identify_waiting(connection, kind), db_now())


def _follow_identity(connection: Connection, kind: str, result: Identified, now: datetime) -> None:
    open_cases(connection, result.troubles, now)
    if result.tied:
        settle_subjects(result.tied, now)
        release(kind, now)
        ring_checks()


def _news(connection: Connection, kind: str, stored: Stored) -> list[tuple[int, str, int | None]]:
    lines: list[tuple[int, str, int | None]] = [
        (row.pk, f"Came in from {connection}: {_summary(kind, row.data)}.", None) for row in stored.new
    ]
    lines += [
        (row.pk, f"Changed at {connection}: {_summary(kind, row.data)}.", None) for row in stored.changed
    ]
    return lines


def _told(connection: Connection, kind: str, stored: Stored) -> list[About]:
    return [
        ({"kind": kind, "id": row.pk, "new": new}, connection.pk)
        for new, rows in ((True, stored.new), (False, stored.changed))
        for row in rows
    ]


def _summary(kind: str, data: dict[str, Any]) -> str:
    lines = len(data["lines"])
    words = f"{lines} line{'' if lines == 1 else 's'}"
    if kind == "order":
        return f"{data['state']}, {words}, {data['total']}, paid {data['paid']}"
    if kind == "refund":
        return f"{words}, {data['total']}"
    return f"{words}, {data['carrier'] or 'no carrier'} {data['tracking']}".strip()


def _set_aside(
    connection: Connection, kind: str, read: Sequence[str], rejected: Iterable[Rejected], now: datetime
) -> None:
    """What could not be read becomes a case; what can be read again settles its own."""

    def subject(external_id: str) -> str:
        return f"unreadable:{connection.pk}:{kind}:{external_id}"

    key = f"{connection.pk}:unreadable-{kind}"
    if read and Case.objects.filter(key=key, state=Case.State.OPEN).exists():
        settle_subjects(list(map(subject, read)), now)
    open_cases(
        connection,
        [
            Trouble(
                cause=f"unreadable-{kind}",
                key=key,
                title=f"{connection} sent a {kind} that cannot be read",
                mend=f"Correct the {kind} there and save it, then it is read again. "
                "If it is right there, its connector has to learn it.",
                subject=subject(each.external_id),
                label=f"{kind} {each.external_id}",
                message=f"The {kind} {each.external_id} was set aside: {each.reason}.",
            )
            for each in rejected
        ],
        now,
    )
