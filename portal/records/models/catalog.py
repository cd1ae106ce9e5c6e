from __future__ import annotations

from django.db import models

from portal.records.models.base import Canonical


class Location(Canonical):
    """A place that holds stock."""

    code = models.CharField(max_length=60, unique=True)
    folded = models.CharField(max_length=60, editable=False)
    name = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        indexes = [models.Index(fields=["folded"], name="locations_by_folded")]

    def __str__(self) -> str:
        return self.code


class Product(Canonical):
    """One thing with one SKU."""

    sku = models.CharField("SKU", max_length=200, unique=True)
    folded = models.CharField(max_length=200, editable=False, help_text="What look-alikes have in common.")
    title = models.CharField(max_length=500, blank=True)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["sku"]
        indexes = [
            models.Index(fields=["folded"], name="products_by_folded"),
            models.Index(fields=["origin"], name="products_by_origin"),
        ]

    def __str__(self) -> str:
        return self.sku
