"""Knowing when everything has settled: nothing under way, and every source read again after the last change."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Q
from django.utils import timezone

from portal.records.models import StockLevel
from portal.sync.models import Event, Job, Operation

State = Operation.State


def under_way(since: datetime) -> list[str]:
    """What is still going on, in words; empty when nothing is.

    ``since`` is when the outside world (the shop's day, the warehouse) came to rest.
    """
    moving = Operation.objects.filter(
        state__in=[State.READY, State.SENDING, State.RETRY_WAIT, State.UNKNOWN]
    ).count()
    events = Event.objects.filter(state=Event.State.NEW).count()
    doubted = StockLevel.objects.filter(doubted_since__isnull=False).count()
    last = Operation.objects.aggregate(last=Max("finished_at"))["last"]
    moment = max(since, last) if last else since
    unread = [
        job.name
        for job in Job.objects.filter(enabled=True, name__startswith="pull:")
        if job.last_began_at is None
        or (job.last_began_at <= moment and job.name not in ("pull:product", "pull:location"))
    ]
    now = timezone.now()
    checks = Job.objects.filter(
        Q(due_at__lte=now) | Q(lease_until__gt=now), enabled=True, name__startswith="check:"
    )
    words = [
        "stock to be compared" if checks.exists() else "",
        f"{moving} operations to send" if moving else "",
        f"{events} webhooks to work off" if events else "",
        f"{doubted} stock figures in doubt" if doubted else "",
        f"not read since: {', '.join(sorted(unread))}" if unread else "",
    ]
    return [word for word in words if word]


def held() -> list[str]:
    """What waits for a person."""
    waiting = Operation.objects.filter(state__in=[State.HELD, State.REVIEW, State.DEAD])
    return [f"{operation}: {operation.message}" for operation in waiting[:20]]
