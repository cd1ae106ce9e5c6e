from __future__ import annotations

from django.db import models

from portal.connections.models import Connection


class Event(models.Model):
    """Something a remote told us by webhook, kept raw. A hint with evidence: the object is read again."""

    class State(models.TextChoices):
        NEW = "new", "new"
        DONE = "done", "done"
        GONE = "gone", "no longer there"
        PARKED = "parked", "given up after several tries"

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    dedupe_key = models.CharField(max_length=300)
    topic = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    signed_with = models.CharField(
        max_length=12, blank=True, help_text="Which of the connection's webhook secrets proved it."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.NEW)
    attempts = models.PositiveIntegerField(
        default=0, help_text="Times that its object was to be read again, counted before each."
    )
    received_at = models.DateTimeField(auto_now_add=True, db_index=True)
    processed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "dedupe_key"], name="one_event_a_key"),
        ]
        indexes = [
            models.Index(fields=["connection", "id"], name="new_events", condition=models.Q(state="new")),
            models.Index(fields=["external_id"], name="events_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.external_id}"


class Refusals(models.Model):
    """How many requests to a connection's webhook address were refused within one hour, and why the last one was.

    Their bodies prove nothing, and are not kept.
    """

    connection = models.ForeignKey(
        Connection, on_delete=models.CASCADE, related_name="refusals", db_index=False
    )
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)
    reason = models.CharField(max_length=300)
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-hour", "-pk"]
        verbose_name_plural = "refusals"
        constraints = [
            models.UniqueConstraint(fields=["connection", "hour"], name="one_count_an_hour"),
        ]

    def __str__(self) -> str:
        return f"{self.count} refused by {self.connection} from {self.hour:%Y-%m-%d %H:%M}"
