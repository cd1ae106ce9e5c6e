from __future__ import annotations

from django.db import models

from portal.connections.models import Connection
from portal.records.models.catalog import Location, Product


class StockLevel(models.Model):
    """What one connection shows as available of one product at one location.

    For the source of a stock flow it is the truth; for a target (a channel) it is the figure that we
    believe customers see there, kept up to date by what we send, what we read, and the orders we learn of.
    """

    connection = models.ForeignKey(
        Connection, on_delete=models.PROTECT, related_name="stock_levels", db_index=False
    )
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="stock_levels")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="stock_levels")
    available = models.DecimalField(max_digits=18, decimal_places=4)
    version = models.BigIntegerField(default=0)
    observed_at = models.DateTimeField(
        help_text="When the reading began that gave this figure. One that finds it unchanged is not noted here."
    )
    doubted_since = models.DateTimeField(
        null=True,
        help_text="The channel showed another figure than we believed: nothing is sent before its orders are read.",
    )
    unknown_since = models.DateTimeField(
        null=True,
        help_text="Nobody knows what the channel shows: a reading that begins later tells, before its orders do.",
    )

    class Meta:
        ordering = ["product", "location", "connection"]
        constraints = [
            models.UniqueConstraint(fields=["connection", "product", "location"], name="one_level_a_place"),
        ]
        indexes = [
            models.Index(
                fields=["connection"], name="doubted_levels", condition=models.Q(doubted_since__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product} at {self.location} in {self.connection}"
