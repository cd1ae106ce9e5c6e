from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from django.db import models

from portal.connections.models import Connection
from portal.sdk.records import KINDS


class Canonical(models.Model):
    """A record as it stood at its origin when we last read it.

    ``data`` is the whole canonical record as JSON, ``raw`` the remote's own words for it, ``digest`` the
    fingerprint of ``data`` by which an unchanged record is skipped.
    """

    origin = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=200)
    version = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    data = models.JSONField()
    raw = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()

    objects: ClassVar[models.Manager[Any]]

    class Meta:
        abstract = True

    @cached_property
    def record(self) -> Any:
        """The canonical record, made from ``data`` unless it was just read."""
        return KINDS[self._meta.model_name or ""].model_validate(self.data)
