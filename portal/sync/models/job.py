from __future__ import annotations

from django.db import models

from portal.connections.models import Connection


class Job(models.Model):
    """Recurrent work with its due time, its lease and, where it reads, its cursor.

    One row a (connection, name); the name is ``pull:<kind>``, ``inbox``, ``deliver``, ``check:stock`` or
    ``plugin:<plugin>:<job>``. The fence rises with every lease, so that a worker that lost its lease
    cannot move the cursor any more.
    """

    connection = models.ForeignKey(
        Connection, null=True, on_delete=models.CASCADE, related_name="jobs", db_index=False
    )
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    every = models.PositiveIntegerField("every (seconds)", default=60)
    due_at = models.DateTimeField(db_index=True)
    cursor = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, editable=False)
    worker = models.CharField(max_length=100, blank=True, editable=False)
    fence = models.PositiveBigIntegerField(default=0, editable=False)
    attempts = models.PositiveIntegerField(
        default=0,
        editable=False,
        help_text="Workers that took it since one last got on; each is counted before it begins.",
    )
    suspects = models.JSONField(
        default=dict,
        editable=False,
        help_text="Objects at which workers died, by a digest of what the remote said.",
    )
    rung_at = models.DateTimeField(null=True, editable=False)
    last_began_at = models.DateTimeField(
        null=True, editable=False, help_text="When the last complete round began."
    )
    round_began_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the round at work began, which may take several turns; empty between two rounds.",
    )
    last_ok_at = models.DateTimeField(null=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    last_error = models.TextField(blank=True, editable=False)

    class Meta:
        ordering = ["connection", "name"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "name"], name="one_job_a_name"),
            models.UniqueConstraint(
                fields=["name"],
                condition=models.Q(connection=None),
                name="one_job_a_name_without_connection",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.connection}" if self.connection_id else self.name


class Run(models.Model):
    """One execution of a job, with its counts."""

    class State(models.TextChoices):
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(db_index=True)
    finished_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    total = models.PositiveIntegerField(null=True, help_text="How much there is to do, where that is known.")
    said = models.TextField(blank=True, help_text="What a plugin's own job had to tell.")
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.job} at {self.started_at:%Y-%m-%d %H:%M:%S}"


class Beat(models.Model):
    """The last sign of life of a process or of the canary."""

    name = models.CharField(max_length=60, unique=True)
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.name
