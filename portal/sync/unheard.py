"""Webhooks that should have come: of what a reading found first, the source ought to have told us as well."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from django.db.models import F

from portal.connections.models import Connection
from portal.plugins.manager import connector_class
from portal.records.store import MODELS
from portal.records.trouble import Trouble
from portal.sdk.capabilities import HearsWebhooks
from portal.sync.backfill import DATED
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.doors import ring_pulls
from portal.sync.models import Event
from portal.sync.progress import Progress

GRACE = timedelta(minutes=2)
"""So late a webhook may come after the reading that was quicker."""

FRESH = timedelta(hours=1)
"""Older than this when it came in: from before the subscription, or from a backfill."""

LATEST = 20
ENOUGH = 3
SHARE = 0.2


def look_for_unheard(connection: Connection, kind: str, progress: Progress) -> None:
    """Of the latest records: which came in without a webhook. Enough of them are a case, and subscribe anew."""
    if not issubclass(connector_class(connection.connector), HearsWebhooks) or not _announced(
        connection, kind
    ):
        return
    now = db_now()
    rows: Any = MODELS[kind].objects.filter(
        origin=connection,
        first_seen_at__gt=now - timedelta(days=1),
        first_seen_at__lt=now - GRACE,
        **{f"{DATED[kind]}__gt": F("first_seen_at") - FRESH},
    )
    latest = list(rows.order_by("-first_seen_at").values_list("external_id", flat=True)[:LATEST])
    heard = set(
        Event.objects.filter(connection=connection, external_id__in=latest, kind=kind).values_list(
            "external_id", flat=True
        )
    )
    missed = [external_id for external_id in latest if external_id not in heard]
    progress.add(Counter(unheard=len(missed)))
    subject = f"unheard:{connection.pk}:{kind}"
    if len(missed) < ENOUGH or len(missed) < SHARE * len(latest):
        settle_subjects([subject], now)
        return
    ring_pulls(connection, ["hooks"])
    trouble = Trouble(
        cause="webhooks-missed",
        key=f"{connection.pk}:webhooks-missed",
        title=f"{connection} does not tell us of all its {kind}s",
        mend="It is read at intervals meanwhile, so nothing is lost but time. The portal has subscribed again by itself; "
        f"if this stays, press “Subscribe webhooks” at {connection}, and see that it can reach our address.",
        subject=subject,
        label=str(connection),
        message=f"Of its latest {len(latest)} {kind}s {len(missed)} came in without a webhook, "
        f"such as {', '.join(missed[:3])}.",
    )
    open_cases(connection, [trouble], now)


def _announced(connection: Connection, kind: str) -> bool:
    """Orders are what every webhook tells of; of the rest, only what it has told of before."""
    return kind == "order" or Event.objects.filter(connection=connection, kind=kind).exists()
