from __future__ import annotations

from django.db import models

from portal.sync.models.outbox import Operation


class Fact(models.Model):
    """One line of a record's timeline: what happened to it, when, and by which operation."""

    kind = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    at = models.DateTimeField()
    text = models.CharField(max_length=500)
    operation = models.ForeignKey(Operation, null=True, on_delete=models.SET_NULL, related_name="facts")
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["kind", "record_id", "at"], name="timeline")]

    def __str__(self) -> str:
        return self.text
