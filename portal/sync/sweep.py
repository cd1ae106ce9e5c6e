"""Finding what is due and ringing for it: the net under every lost ring."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from portal.sync import leases, outbox
from portal.sync.clock import unleased
from portal.sync.doors import knock
from portal.sync.models import Event, Job
from portal.sync.notices import PREFIX
from portal.sync.outbox import claimable, doubt_lapsed, live_flows
from portal.sync.quarantine import unread_sources
from portal.sync.switched import jobs_switched_off
from portal.sync.tell import due_plugins


def sweep() -> int:
    """Doubt lapsed sendings, bring forward the jobs with rows waiting, ring for all that is due.

    Returns how many rings were sent.
    """
    doubt_lapsed()
    _bring_forward("deliver", claimable(live_flows(not_from=unread_sources())))
    _bring_forward("inbox", Event.objects.filter(state=Event.State.NEW, attempts=0))
    tellable = Job.objects.filter(name__in=[f"{PREFIX}{plugin}" for plugin in due_plugins()])
    tellable.filter(due_at__gt=Now()).update(due_at=Now())
    resting = Q(connection__resting_until__gt=Now()) | jobs_switched_off()
    due = Job.objects.filter(unleased(), enabled=True, due_at__lte=Now()).exclude(resting)
    return knock(list(due.values_list("pk", flat=True)))


def take_back() -> int:
    """End at once what workers of this machine held that are surely dead. Returns how many leases they had.

    For each machine to do for itself: nobody else can tell.
    """
    return outbox.take_back() + leases.take_back()


def _bring_forward(name: str, waiting: QuerySet[Any]) -> None:
    of_its_connection = waiting.filter(connection=OuterRef("connection"))
    Job.objects.filter(Exists(of_its_connection), name=name, due_at__gt=Now()).update(due_at=Now())
