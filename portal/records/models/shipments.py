from __future__ import annotations

from django.db import models

from portal.records.models.base import Canonical
from portal.records.models.orders import Order


class Shipment(Canonical):
    """Goods that left for one order."""

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="shipments")
    order_external_id = models.CharField("order at its origin", max_length=200)
    number = models.CharField(max_length=100, blank=True)
    carrier = models.CharField(max_length=100, blank=True)
    tracking = models.CharField("tracking number", max_length=200, blank=True)
    shipped_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-shipped_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["origin", "external_id"], name="one_shipment_an_id")]
        indexes = [
            models.Index(fields=["number"], name="shipments_by_number"),
            models.Index(fields=["order_external_id"], name="shipments_by_order"),
            models.Index(fields=["tracking"], name="shipments_by_tracking"),
        ]

    def __str__(self) -> str:
        return self.number or self.external_id
