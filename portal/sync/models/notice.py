from __future__ import annotations

from django.db import models

from portal.connections.models import Connection


class Notice(models.Model):
    """One thing to be told to one plugin: a call of one of its ``on_…`` hooks, until it is done.

    ``about`` names what it is about (primary keys, and a few words); the hook is given it as it stands when it is
    called. A row that was done is deleted. ``begun_at`` stands while the call is under way, so that a worker that
    dies in it leaves its name.
    """

    plugin = models.CharField(max_length=100)
    hook = models.CharField(max_length=60)
    about = models.JSONField()
    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0, help_text="Calls so far, counted before each.")
    begun_at = models.DateTimeField(null=True, editable=False)
    parked_at = models.DateTimeField(
        null=True, help_text="When it was given up until a person says otherwise."
    )
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["plugin", "due_at"], name="due_notices", condition=models.Q(parked_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.hook} of {self.plugin}, {self.pk}"
