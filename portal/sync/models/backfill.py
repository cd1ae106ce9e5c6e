from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from portal.connections.models import Connection


class Backfill(models.Model):
    """Staff want the records of a span of time to be read again. Written by :mod:`portal.sync.backfill`.

    ``cursor`` is how far it came; it is stored with each page, so that it goes on from there whatever happens.
    """

    class Kind(models.TextChoices):
        ORDER = "order", "orders"
        REFUND = "refund", "refunds and returns"
        SHIPMENT = "shipment", "shipments"

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        PAUSED = "paused", "paused"
        DONE = "done", "done"
        STOPPED = "stopped", "stopped"

    AT_WORK = (State.WAITING, State.RUNNING)
    OPEN = (*AT_WORK, State.PAUSED)

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="backfills")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    since = models.DateTimeField("from")
    until = models.DateTimeField(help_text="Up to this moment, but without it.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    cursor = models.TextField(blank=True, editable=False)
    done = models.PositiveIntegerField(
        default=0, editable=False, help_text="Records of that span read so far."
    )
    total = models.PositiveIntegerField(
        null=True, editable=False, help_text="Empty: its system cannot count them."
    )
    counts = models.JSONField(default=dict, editable=False, help_text="What became of them.")
    going_since = models.DateTimeField(null=True, editable=False)
    done_before = models.PositiveIntegerField(default=0, editable=False)
    asked_by = models.CharField(max_length=150, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["connection", "id"],
                name="open_backfills",
                condition=models.Q(state__in=["waiting", "running", "paused"]),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.connection}"

    @property
    def at_work(self) -> bool:
        return self.state in self.AT_WORK

    def ends_at(self) -> datetime | None:
        """When it will be through at its present speed; None where nobody can tell."""
        came = self.done - self.done_before
        if self.state != self.State.RUNNING or self.total is None or self.going_since is None or came <= 0:
            return None
        now = timezone.now()
        left: timedelta = (now - self.going_since) * (max(0, self.total - self.done) / came)
        return now + left
