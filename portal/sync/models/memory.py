"""What tells that the database was set back to an older state, and what is done about it."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models


class Mark(models.Model):
    """How far this database has come: one row. Every host keeps a copy of it in a file.

    A copy that is further than the row shows that the database was restored, by whatever means.
    """

    database = models.UUIDField(default=uuid.uuid4, unique=True)
    moment = models.BigIntegerField(help_text="Microseconds since 1970; it only ever grows.")

    def __str__(self) -> str:
        return str(self.database)


class Quarantine(models.Model):
    """The time after a restore in which nothing is sent before it was looked up at the remote.

    ``remembered`` is the moment that the database was set back to, ``known`` how far it had come before, as
    far as this host has heard; None where nobody knows.
    """

    how = models.CharField(max_length=300, help_text="How it was noticed.")
    remembered = models.DateTimeField(null=True)
    known = models.DateTimeField(null=True)
    open = models.BooleanField(default=True)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=400, blank=True, help_text="Why it was ended.")

    class Meta:
        ordering = ["-began_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["open"], condition=models.Q(open=True), name="one_quarantine_at_a_time"
            ),
        ]
        permissions = [("end_quarantine", "Can end a quarantine before everything was looked up")]

    def __str__(self) -> str:
        return f"quarantine since {self.began_at:%Y-%m-%d %H:%M}"
