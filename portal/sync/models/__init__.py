"""The engine's tables: these rows are the queue; django-q2 tasks only say that there is something in it."""

from portal.sync.models.backfill import Backfill
from portal.sync.models.case import Case, CaseItem
from portal.sync.models.fact import Fact
from portal.sync.models.flow import Flow
from portal.sync.models.inbox import Event, Refusals
from portal.sync.models.job import Beat, Job, Run
from portal.sync.models.memory import Mark, Quarantine
from portal.sync.models.notice import Notice
from portal.sync.models.outbox import Attempt, Effect, Operation

__all__ = [
    "Attempt",
    "Backfill",
    "Beat",
    "Case",
    "CaseItem",
    "Effect",
    "Event",
    "Fact",
    "Flow",
    "Job",
    "Mark",
    "Notice",
    "Operation",
    "Quarantine",
    "Refusals",
    "Run",
]
