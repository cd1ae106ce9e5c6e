"""What is known of a plugin only by running it: whether staff switched it off, and how it failed in service."""

from __future__ import annotations

from django.db import models


class Plugin(models.Model):
    """One plugin by its name, whatever its version; the row stays when the plugin is uninstalled.

    Written by :mod:`portal.plugins.switches` and :mod:`portal.plugins.failures`.
    """

    name = models.CharField(max_length=100, unique=True)
    enabled = models.BooleanField(
        default=True,
        help_text="Off: none of its jobs, webhooks and deliveries is begun, and nothing is lost.",
    )
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    last_failed_at = models.DateTimeField(null=True, editable=False)
    last_error = models.TextField(blank=True, editable=False)

    app = models.CharField(
        max_length=100,
        blank=True,
        editable=False,
        help_text="The label of its Django app, when it was last in use.",
    )
    connectors = models.JSONField(
        default=list, editable=False, help_text="The keys of its connectors, when it was last in use."
    )

    class Meta:
        ordering = ["name"]
        permissions = [("switch_plugin", "Can switch a plugin on and off")]

    def __str__(self) -> str:
        return self.name
