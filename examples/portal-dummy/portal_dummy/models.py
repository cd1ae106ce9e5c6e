"""Notes: what Dummy remembers of the portal's records, in a table of its own."""

from django.db import models


class Note(models.Model):
    """One line about one record. ``key`` is of what it tells, so that being told again adds no second line."""

    key = models.CharField(max_length=200, unique=True)
    kind = models.CharField(max_length=20)
    record_id = models.BigIntegerField(null=True)
    text = models.CharField(max_length=400)
    at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["kind", "record_id"], name="dummy_notes_of_a_record")]

    def __str__(self) -> str:
        return self.text
