"""What Dummy shows: a panel, an action, a tile."""

from collections.abc import Iterable
from uuid import uuid4

from django.urls import reverse
from django.utils import timezone
from portal.sdk import Figure, Subject, Table, Text

from portal_dummy.models import Note
from portal_dummy.notes import note, notes_of
from portal_dummy.settings import NoteSettings


def show_notes(*, subject: Subject) -> Iterable[Text | Table]:
    """The panel on a record's page."""
    rows = [(each.at, each.text) for each in notes_of(subject.kind, subject.id)[:10]]
    yield Text(f"What Dummy knows of this {subject.kind} from {subject.connection}.")
    yield Table(["When", "Note"], rows, empty="Dummy has noted nothing about it.")


def note_it(*, subject: Subject, by: str) -> str:
    """The action on a record's page."""
    greeting = NoteSettings.read().greeting
    note(f"by-hand:{uuid4()}", f"{greeting} by {by}.", kind=subject.kind, record_id=subject.id)
    return f"Dummy has noted this {subject.kind}."


def show_today() -> Iterable[Figure]:
    """The tile on the dashboard."""
    day = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    yield Figure(Note.objects.filter(at__gte=day).count(), "today", link=reverse("dummy:notes"))
