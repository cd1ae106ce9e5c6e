"""Opening cases for what needs a person, and closing them when it is mended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from portal.connections.models import Connection
from portal.records.plain import clean
from portal.records.trouble import Trouble
from portal.sync.models import Case, CaseItem
from portal.sync.notices import announce, listeners

HOOK = "on_case_opened"

UNTOLD = ("plugin-hook",)
"""Causes that plugins are not told of: one that fails to be told would so cause its own failures."""


@transaction.atomic(savepoint=False)
def open_cases(connection: Connection | None, troubles: Sequence[Trouble], now: datetime) -> None:
    """One open case for each trouble's key, one item for each subject; met again they are only renewed."""
    if not troubles:
        return
    by_key = {_fit(trouble.key, 300): trouble for trouble in troubles}
    news = _news(by_key)
    Case.objects.bulk_create(
        (
            Case(
                connection=connection,
                key=key,
                cause=_fit(trouble.cause, 60),
                title=_fit(trouble.title, 300),
                mend=clean(trouble.mend),
                opened_at=now,
                seen_at=now,
            )
            for key, trouble in by_key.items()
        ),
        ignore_conflicts=True,
    )
    Case.objects.filter(key__in=list(by_key), state=Case.State.OPEN).update(seen_at=now)
    cases = dict(Case.objects.filter(key__in=list(by_key), state=Case.State.OPEN).values_list("key", "pk"))
    announce(HOOK, [({"id": cases[key]}, connection.pk if connection else None) for key in news], now)
    items = [
        CaseItem(
            case_id=cases[_fit(trouble.key, 300)],
            subject=_fit(trouble.subject, 250),
            label=_fit(trouble.label, 200),
            operation_id=trouble.operation_id,
            message=clean(trouble.message),
            seen_at=now,
            resolved_at=None,
        )
        for trouble in troubles
    ]
    CaseItem.objects.bulk_create(
        {(item.case_id, item.subject): item for item in items}.values(),
        update_conflicts=True,
        unique_fields=["case", "subject"],
        update_fields=["label", "operation", "message", "seen_at", "resolved_at"],
    )


def _news(by_key: Mapping[str, Trouble]) -> list[str]:
    """The keys of the cases that are opened by this, for those who listen."""
    if not listeners(HOOK):
        return []
    known = Case.objects.filter(key__in=list(by_key), state=Case.State.OPEN).values_list("key", flat=True)
    return [key for key in by_key.keys() - set(known) if by_key[key].cause not in UNTOLD]


def _fit(text: str, length: int) -> str:
    """What a remote says may be too long for its column, or not storable at all."""
    return clean(text)[:length]


def settle_subjects(subjects: Collection[str], now: datetime) -> None:
    """What was in trouble no longer is; a case without open items is resolved."""
    if not subjects:
        return
    fitting = [_fit(subject, 250) for subject in subjects]
    items = CaseItem.objects.filter(subject__in=fitting, resolved_at=None)
    cases = set(items.values_list("case_id", flat=True))
    if not cases:
        return
    items.update(resolved_at=now)
    Case.objects.filter(pk__in=cases, state=Case.State.OPEN).exclude(
        pk__in=CaseItem.objects.filter(case__in=cases, resolved_at=None).values("case")
    ).update(state=Case.State.RESOLVED, resolved_at=now)


def close(cases: QuerySet[Case], now: datetime) -> None:
    """Resolve these cases with all that stands in them."""
    CaseItem.objects.filter(case__in=cases, resolved_at=None).update(resolved_at=now)
    cases.update(state=Case.State.RESOLVED, resolved_at=now)


def operation_subject(operation_id: int) -> str:
    return f"operation:{operation_id}"
