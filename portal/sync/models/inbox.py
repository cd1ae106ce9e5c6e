from __future__ import annotations

from django.db import models

from portal.connections.models import Connection


class Event(models.Model):
    """Something a remote told us by webhook, kept raw. A hint with evidence: the object is read again."""

    class State(models.TextChoices):
        NEW = "new", "new"
        DONE = "done", "done"
        GONE = "gone", "no longer there"

    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="events")
    dedupe_key = models.CharField(max_length=300)
    topic = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, blank=True)
    external_id = models.CharField(max_length=200, blank=True, db_index=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "dedupe_key"], name="one_event_a_key"),
        ]
        indexes = [
            models.Index(fields=["connection", "id"], name="new_events", condition=models.Q(state="new")),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.external_id}"
