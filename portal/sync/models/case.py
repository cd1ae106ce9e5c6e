from __future__ import annotations

from django.conf import settings
from django.db import models

from portal.connections.models import Connection
from portal.sync.models.outbox import Operation


class Case(models.Model):
    """Something that needs a person: one cause, everything that it holds up, and the mending step."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        RESOLVED = "resolved", "resolved"

    connection = models.ForeignKey(Connection, null=True, on_delete=models.CASCADE, related_name="cases")
    key = models.CharField(max_length=300, help_text="Equal troubles have equal keys.")
    cause = models.CharField(max_length=60)
    title = models.CharField(max_length=300)
    mend = models.TextField(blank=True, help_text="What a person can do about it.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    opened_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last met.")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-seen_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["key"], condition=models.Q(state="open"), name="one_open_case_a_cause"
            ),
        ]
        indexes = [
            models.Index(fields=["cause"], name="cases_by_cause"),
            models.Index(fields=["state"], name="cases_by_state"),
        ]
        permissions = [("mend_case", "Can assign and resolve a case")]

    def __str__(self) -> str:
        return self.title


class CaseItem(models.Model):
    """One thing that a case holds up."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="items", db_index=False)
    subject = models.CharField(max_length=250, help_text="What it is, the same each time it is met.")
    label = models.CharField(max_length=200)
    operation = models.ForeignKey(Operation, null=True, on_delete=models.CASCADE, related_name="case_items")
    message = models.TextField()
    seen_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-seen_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["case", "subject"], name="one_item_a_subject"),
        ]
        indexes = [
            models.Index(fields=["subject"], name="open_items", condition=models.Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return self.label
