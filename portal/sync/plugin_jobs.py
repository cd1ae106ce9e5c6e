"""Plugins' own jobs: what goes wrong in one is laid to its plugin, and the others go on."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.conf import settings

from portal.connections.services import opened, redacted
from portal.plugins.failures import PluginFailed, charged, record
from portal.plugins.manager import plugins
from portal.records.subjects import info_of
from portal.sdk import Misconfigured
from portal.sync.leases import keep
from portal.sync.models import Job
from portal.sync.progress import Progress


def patience() -> timedelta:
    """A lease that outlives the worker's own end, so that the pump sees a lease whose holder is dead."""
    return timedelta(seconds=settings.Q_CLUSTER["timeout"] + 30)


def run(job: Job, progress: Progress) -> None:
    """One turn of the job ``plugin:<plugin>:<name>``, which its worker bears for as long as any task.

    Raises ``Misconfigured`` when its plugin is gone and ``PluginFailed`` for whatever the plugin does wrong. A
    job that hung until its worker was stopped is not begun again in that turn, so that it cannot eat every worker.
    """
    _, plugin, name = job.name.split(":", 2)
    own = next((each for owner, each in plugins().jobs() if (owner, each.name) == (plugin, name)), None)
    if own is None:
        raise Misconfigured(f"The plugin that brought the job {plugin}:{name} is not installed any more.")
    limit = settings.Q_CLUSTER["timeout"]
    if job.lease_until is not None:  # as it was before this turn: nobody came to give it back
        hung = PluginFailed(
            f"The job “{own.title}” did not come to an end: it took longer than {limit} s, or its worker was killed."
        )
        record(plugin, str(hung))
        raise hung
    keep(job, lease=patience())
    connection = job.connection
    if connection is None:
        with charged(plugin, f"The job “{own.title}”"):
            progress.say(own.run())
        return
    with opened(connection) as connector:
        hidden = partial(redacted, connection)
        with charged(plugin, f"The job “{own.title}” for {connection}", hidden):
            progress.say(own.run(connector=connector, connection=info_of(connection)))
