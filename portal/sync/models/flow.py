from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models

from portal.connections.models import Connection


class Flow(models.Model):
    """The route staff switch on: one kind of record, from a source connection to a target connection."""

    class Kind(models.TextChoices):
        ORDER = "order", "orders"
        STOCK = "stock", "stock"
        SHIPMENT = "shipment", "shipments"
        REFUND = "refund", "refunds and returns"

    class State(models.TextChoices):
        DRAFT = "draft", "draft"
        REHEARSAL = "rehearsal", "rehearsal"
        LIVE = "live", "live"
        PAUSED = "paused", "paused"

    kind = models.CharField(max_length=20, choices=Kind.choices)
    source = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="flows_out")
    target = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="flows_in")
    state = models.CharField(
        max_length=10,
        choices=State.choices,
        default=State.DRAFT,
        help_text=(
            "Draft does nothing. Rehearsal computes and notes what would be sent. Live sends. "
            "Paused goes on reading and computing, and sends when it is live again."
        ),
    )
    start_at = models.DateTimeField(
        null=True, blank=True, help_text="Records that happened before this moment are left alone."
    )
    every = models.PositiveIntegerField(
        "read every (seconds)",
        default=60,
        help_text="How often the source is asked; webhooks come between.",
    )
    buffer = models.PositiveIntegerField(
        "stock buffer", default=0, help_text="Pieces kept back from the target (stock flows)."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["source", "kind", "target"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "source", "target"], name="one_flow_a_route"),
        ]
        permissions = [("switch_flow", "Can start, rehearse, pause and resume a flow")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.source} → {self.target}"

    def clean(self) -> None:
        if self.source_id and self.source_id == self.target_id:
            raise ValidationError("A flow leads from one connection to another; choose two different ones.")
