"""System check: whoever calls a remote gets its answer, or gives up, while the lease still holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import checks

from portal.sdk.http import LONGEST_CALL
from portal.sync import deliver, leases, outbox, pull


@checks.register()
def calls_end_before_leases(**_: Any) -> list[checks.CheckMessage]:
    """A lease that ran out during a call lets a second worker begin what the first one may still end."""
    wrong = [
        f"a call may last {LONGEST_CALL:g} s, but the lease of {whose} only {lease.total_seconds():g} s"
        for whose, lease in (("a job", leases.LEASE), ("an operation", outbox.LEASE))
        if lease < timedelta(seconds=LONGEST_CALL + leases.Heartbeat.EVERY)
    ]
    turn, stopped = max(pull.BUDGET, deliver.BUDGET) + LONGEST_CALL, settings.Q_CLUSTER.get("timeout")
    if stopped is not None and turn >= stopped:  # that there is one at all, the check of the queue sees to
        wrong.append(f"a turn may take {turn:g} s, but a worker is stopped after {stopped} s")
    if not wrong:
        return []
    return [
        checks.Error(
            f"The time limits of the engine do not fit each other: {'; '.join(wrong)}.",
            hint="Lengthen the lease, or shorten portal.sdk.http.LONGEST_CALL.",
            id="portal.E003",
        )
    ]
