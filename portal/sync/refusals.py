"""Requests to a webhook address that prove nothing: counted by the hour and told when they are many, not stored."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Sum

from portal.connections.models import Connection
from portal.records.plain import clean
from portal.records.trouble import Trouble
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.models import Refusals

MANY = 20
"""Refused within one hour of the clock that a person should know of."""

HOUR = timedelta(hours=1)


def count_refusal(connection: Connection, reason: str) -> None:
    """One more was refused. The case is opened with every ``MANY``-th, so that one resolved by hand comes back."""
    now = db_now()
    hour, reason = now.replace(minute=0, second=0, microsecond=0), clean(reason)[:300]
    counted = Refusals.objects.filter(connection=connection, hour=hour)
    news = {"count": F("count") + 1, "reason": reason, "last_at": now}
    if not counted.update(**news):
        first = Refusals(connection=connection, hour=hour, reason=reason, last_at=now)
        Refusals.objects.bulk_create([first], ignore_conflicts=True)
        counted.update(**news)
    if (count := counted.values_list("count", flat=True).get()) % MANY == 0:
        open_cases(
            connection,
            [
                Trouble(
                    cause="refused-webhooks",
                    key=_subject(connection),
                    title=f"Many webhooks for {connection} do not prove that they come from it",
                    mend=f"If {connection} got another webhook secret, enter it with Add webhook secret, or press "
                    "Subscribe webhooks to hand it ours. If it did not, somebody else is trying the address: nothing "
                    "of that was stored, and nothing is lost, because the records are read at intervals too.",
                    subject=_subject(connection),
                    label=str(connection),
                    message=f"{count} refused within the hour; the last because: {reason}",
                )
            ],
            now,
        )


def settle_refusals(connection: Connection) -> None:
    """The case ends with an hour of few."""
    now = db_now()
    lately = Refusals.objects.filter(connection=connection, last_at__gte=now - HOUR)
    if (lately.aggregate(total=Sum("count"))["total"] or 0) < MANY:
        settle_subjects([_subject(connection)], now)


def _subject(connection: Connection) -> str:
    return f"refused-webhooks:{connection.pk}"
