from __future__ import annotations

from django.db import models

from portal.records.models.base import Canonical
from portal.records.models.orders import Order


class Refund(Canonical):
    """Money given back for one order, and the goods that came back with it."""

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="refunds")
    order_external_id = models.CharField("order at its origin", max_length=200)
    number = models.CharField(max_length=100, blank=True)
    refunded_at = models.DateTimeField(db_index=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField("total in smallest units")
    restocked = models.BooleanField(default=False, help_text="Whether goods came back to stock.")

    class Meta:
        ordering = ["-refunded_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["origin", "external_id"], name="one_refund_an_id")]
        indexes = [
            models.Index(fields=["number"], name="refunds_by_number"),
            models.Index(fields=["order_external_id"], name="refunds_by_order"),
        ]

    def __str__(self) -> str:
        return self.number or self.external_id
