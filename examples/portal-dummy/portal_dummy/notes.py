"""Writing, reading and removing notes."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from portal_dummy.models import Note


def note(
    key: str, text: str, *, kind: str = "", record_id: int | None = None, at: datetime | None = None
) -> list[str]:
    """Keep the text once for this key. Returns the lines that are new, as the portal's timelines want them."""
    values = {"text": text[:400], "kind": kind, "record_id": record_id, "at": at or timezone.now()}
    _, new = Note.objects.get_or_create(key=key, defaults=values)
    return [text] if new else []


def notes_of(kind: str, record_id: int) -> QuerySet[Note]:
    return Note.objects.filter(kind=kind, record_id=record_id)


def purge(*, before: datetime, most: int) -> int:
    """Remove at most so many notes that are older; how many went."""
    old: Iterable[int] = Note.objects.filter(at__lt=before).values_list("pk", flat=True)[:most]
    return Note.objects.filter(pk__in=list(old)).delete()[0]
