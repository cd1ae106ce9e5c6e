"""Which jobs there have to be: derived from the flows and from what their connectors can do."""

from __future__ import annotations

from django.db import transaction

from portal.connections.models import Connection
from portal.plugins.manager import UnknownConnector, connector_class, connector_class_or_none, plugins
from portal.sdk.capabilities import HearsWebhooks, PullsLocations, PullsProducts, PullsStock
from portal.sync.clock import db_now
from portal.sync.flows import ACTIVE
from portal.sync.lanes import lanes
from portal.sync.models import Backfill, Flow, Job
from portal.sync.notices import PREFIX, hooks_of

IDLE = 30
"""Seconds between two looks of a job that is otherwise rung for."""

LANES_EVERY = 24 * 60 * 60
"""For the lanes that are called by another one when they are needed."""

CHECK_EVERY = 15 * 60
CATALOGUE_EVERY = 5 * 60
HOOKS_EVERY = 60 * 60
INVARIANTS_EVERY = 60 * 60
GAPS_EVERY = 4 * 60
RETENTION_EVERY = 24 * 60 * 60
STATISTICS_EVERY = 60 * 60

Wanted = dict[tuple[int | None, str], int]
"""(connection, job name) → seconds between two rounds."""


def ensure_jobs() -> None:
    """Make the jobs that are missing, correct their rhythm, switch off those that nothing needs any more."""
    wanted = _wanted()
    with transaction.atomic():
        present = {(job.connection_id, job.name): job for job in Job.objects.select_for_update(of=("self",))}
        now = db_now()
        Job.objects.bulk_create(
            (
                Job(connection_id=connection, name=name, every=every, due_at=now, cursor=_known(name))
                for (connection, name), every in wanted.items()
                if (connection, name) not in present
            ),
            ignore_conflicts=True,
        )
        for key, job in present.items():
            every = wanted.get(key, job.every)
            if key in wanted and _known(job.name) not in ("", job.cursor):
                Job.objects.filter(pk=job.pk).update(cursor=_known(job.name))
            if job.enabled != (key in wanted) or job.every != every:
                sooner = {"due_at": now} if key in wanted else {}
                Job.objects.filter(pk=job.pk).update(enabled=key in wanted, every=every, **sooner)


def _wanted() -> Wanted:
    wanted: Wanted = {
        (None, "invariants"): INVARIANTS_EVERY,
        (None, "retention"): RETENTION_EVERY,
        (None, "statistics"): STATISTICS_EVERY,
    }
    flows = Flow.objects.filter(state__in=ACTIVE).select_related("source", "target")
    for flow in flows:
        _want(wanted, flow.source, f"pull:{flow.kind}", flow.every)
        _want_lanes(wanted, flow.target)
        if flow.kind in (Flow.Kind.ORDER, Flow.Kind.REFUND):
            _want(wanted, flow.source, "gaps", GAPS_EVERY)
        for end in (flow.source, flow.target):
            _want_identities(wanted, end)
            if flow.kind == Flow.Kind.STOCK:
                _want_check(wanted, end)
    for each in Backfill.objects.filter(state__in=Backfill.AT_WORK).select_related("connection"):
        _want(wanted, each.connection, "backfill", IDLE)
    _want_plugins(wanted)
    return wanted


def _want_plugins(wanted: Wanted) -> None:
    for plugin, job in plugins().jobs():
        name, every = f"plugin:{plugin}:{job.name}", int(job.every.total_seconds())
        theirs = Connection.objects.filter(connector__in=job.connectors).values_list("pk", flat=True)
        for connection in theirs if job.connectors else [None]:
            wanted[connection, name] = every
    for plugin in plugins().names():
        if hooks_of(plugin):
            wanted[None, f"{PREFIX}{plugin}"] = IDLE


def _known(name: str) -> str:
    """What a job that tells a plugin remembers of it; it is asked when the plugin is away."""
    return hooks_of(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else ""


def _want(wanted: Wanted, connection: Connection, name: str, every: int) -> None:
    key = (connection.pk, name)
    wanted[key] = min(every, wanted.get(key, every))


def _want_lanes(wanted: Wanted, target: Connection) -> None:
    cls = connector_class_or_none(target.connector)
    first, *others = lanes(cls.in_flight if cls else 1)
    _want(wanted, target, first, IDLE)
    for name in others:
        _want(wanted, target, name, LANES_EVERY)


def _can(connection: Connection, capability: type) -> bool:
    try:
        return issubclass(connector_class(connection.connector), capability)
    except UnknownConnector:
        return False


def _want_identities(wanted: Wanted, connection: Connection) -> None:
    for capability, name in ((PullsLocations, "pull:location"), (PullsProducts, "pull:product")):
        if _can(connection, capability):
            _want(wanted, connection, name, CATALOGUE_EVERY)
    if _can(connection, HearsWebhooks):
        _want(wanted, connection, "inbox", IDLE)
        _want(wanted, connection, "hooks", HOOKS_EVERY)


def _want_check(wanted: Wanted, connection: Connection) -> None:
    if _can(connection, PullsStock):
        _want(wanted, connection, "check:stock", CHECK_EVERY)
