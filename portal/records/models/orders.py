from __future__ import annotations

from django.db import models

from portal.records.models.base import Canonical
from portal.records.models.catalog import Location, Product


class Order(Canonical):
    """A customer's order. Amounts are in the currency's smallest unit."""

    class State(models.TextChoices):
        OPEN = "open", "open"
        CANCELLED = "cancelled", "cancelled"
        CLOSED = "closed", "closed"

    number = models.CharField(max_length=100)
    state = models.CharField(max_length=10, choices=State.choices)
    placed_at = models.DateTimeField(db_index=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField("total in smallest units")
    paid_minor = models.BigIntegerField("paid in smallest units")
    customer = models.CharField(max_length=300, blank=True)
    email = models.CharField("e-mail", max_length=320, blank=True)
    people = models.CharField(
        max_length=1000, blank=True, editable=False, help_text="Names, as they are found."
    )
    location = models.ForeignKey(Location, null=True, on_delete=models.PROTECT, related_name="orders")

    class Meta:
        ordering = ["-placed_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["origin", "external_id"], name="one_order_an_id")]
        indexes = [
            models.Index(fields=["number"], name="orders_by_number"),
            models.Index(fields=["email"], name="orders_by_email"),
            models.Index(fields=["state", "-placed_at", "-id"], name="orders_by_state"),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200)
    sku = models.CharField("SKU", max_length=200)
    product = models.ForeignKey(Product, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=500, blank=True)
    quantity = models.DecimalField(max_digits=18, decimal_places=4)
    total_minor = models.BigIntegerField("total in smallest units")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["order", "position"], name="one_line_a_position")]

    def __str__(self) -> str:
        return f"{self.order} line {self.position}"
