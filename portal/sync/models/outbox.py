"""The outbox: one row for each intended change in a remote system, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from portal.connections.models import Connection
from portal.records.models import Location, Product
from portal.sync.models import among  # noqa: F401 - the lookup `state__among`
from portal.sync.models.flow import Flow


class Operation(models.Model):
    """One intended change: bring one record to ``payload``'s state in one connection.

    ``op_key`` is ``kind:business reference:intent version``. ``aggregate`` names the record whose changes
    must not overtake each other (an order, its shipments and refunds are one). ``fence`` rises with every
    claim; a receipt with an older fence is not stored.
    """

    class State(models.TextChoices):
        READY = "ready", "ready"
        SENDING = "sending", "sending"
        RETRY_WAIT = "retry_wait", "waiting to retry"
        UNKNOWN = "unknown", "outcome unknown"
        HELD = "held", "held"
        REVIEW = "review", "needs review"
        DONE = "done", "done"
        DEAD = "dead", "given up"
        CANCELLED = "cancelled", "cancelled"

    OPEN = (State.READY, State.SENDING, State.RETRY_WAIT, State.UNKNOWN, State.HELD, State.REVIEW)
    WAITING = (State.READY, State.RETRY_WAIT, State.HELD)
    """Open, and surely never begun or surely without effect: may be superseded."""
    MOVING = (State.READY, State.RETRY_WAIT, State.UNKNOWN, State.SENDING)
    """Open, and nobody has to do anything for it to go on."""

    flow = models.ForeignKey(Flow, on_delete=models.PROTECT, related_name="operations")
    connection = models.ForeignKey(
        Connection,
        on_delete=models.PROTECT,
        related_name="operations",
        db_index=False,  # those below begin with it
    )
    kind = models.CharField(max_length=20)
    record_id = models.BigIntegerField()
    label = models.CharField(max_length=200, help_text="What people call the record.")
    aggregate = models.CharField(max_length=100)
    op_key = models.CharField(max_length=300)
    intent = models.PositiveIntegerField(help_text="Which version of the record's intended state this is.")
    # Of stock alone: what else is intended is compared by the payload.
    intent_digest = models.CharField(max_length=64)
    payload = models.JSONField()
    look_up_first = models.BooleanField(
        default=False, help_text="A restored database may have forgotten that it was sent."
    )
    promise = models.CharField(max_length=1, help_text="What the remote can promise: A to E.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    workers_lost = models.PositiveIntegerField(
        default=0, help_text="Workers that died or hung while they had it in hand."
    )
    fence = models.PositiveBigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    cause = models.CharField(max_length=60, blank=True, help_text="Why it is held or waits.")
    message = models.TextField(blank=True)
    remote_id = models.CharField(max_length=200, blank=True)
    receipt = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "op_key"], name="one_operation_a_key"),
            models.UniqueConstraint(
                fields=["connection", "aggregate"],
                condition=Q(state__in=["sending", "unknown"]),
                name="one_operation_under_way_an_aggregate",
            ),
        ]
        indexes = [
            models.Index(
                fields=["connection", "due_at", "id"],
                name="claimable_operations",
                condition=Q(state__in=["ready", "retry_wait", "unknown", "sending"]),
            ),
            models.Index(
                fields=["connection", "aggregate", "id"],
                name="open_operations",
                condition=Q(state__in=["ready", "sending", "retry_wait", "unknown", "held", "review"]),
            ),
            models.Index(fields=["kind", "record_id", "connection", "id"], name="operations_of_a_record"),
            models.Index(fields=["state", "-id"], name="operations_by_state"),
            models.Index(fields=["cause", "connection"], name="held_operations", condition=Q(state="held")),
            models.Index(fields=["state"], name="perhaps_sent", condition=Q(look_up_first=True)),
        ]
        permissions = [("mend_operation", "Can retry, cancel or settle an operation")]

    def __str__(self) -> str:
        return f"{self.kind} {self.label} → {self.connection}"


class Attempt(models.Model):
    """One try at an operation, as it ended."""

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    milliseconds = models.PositiveIntegerField()
    outcome = models.CharField(max_length=20)
    message = models.TextField(blank=True)

    class Meta:
        ordering = ["-started_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.operation} attempt {self.number}"


class Effect(models.Model):
    """What an operation will do to the target's stock once the target has booked it.

    While it is open, and until the target's stock was read after it, the quantity is *in flight*: the
    customer has bought it but the target's figure does not show it yet.
    """

    operation = models.ForeignKey(Operation, on_delete=models.CASCADE, related_name="effects")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    quantity = models.DecimalField(max_digits=18, decimal_places=4)

    def __str__(self) -> str:
        return f"{self.quantity:+} {self.product} at {self.location}"
