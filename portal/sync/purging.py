"""What belongs to connections, and being rid of it: by putting it away, or by deleting all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from django.core import serializers
from django.db.models import ProtectedError, Q, QuerySet
from django.utils import timezone

from portal.connections.models import Connection, Reference
from portal.records.models import Location, Product, StockLevel
from portal.records.subjects import MODELS
from portal.sync.cases import close, operation_subject, settle_subjects
from portal.sync.models import Case, Event, Fact, Flow, Operation
from portal.sync.switching import switch


class StillNeeded(ValueError):
    """Something that would be deleted is needed by what stays. The message says what."""


@dataclass(frozen=True, slots=True)
class Belonging:
    """One kind of rows of the connections, as people call them."""

    words: str
    rows: QuerySet[Any]


def belongings(connections: Collection[Connection]) -> list[Belonging]:
    """All that belongs to these connections, in the order in which it can be deleted.

    To a record of theirs belong also its ties in other connections, its timeline and what was sent of it.
    """
    records = {kind: model.objects.filter(origin__in=connections) for kind, model in MODELS.items()}
    theirs = Q(pk=None)
    for kind, rows in records.items():
        theirs |= Q(kind=kind, record_id__in=rows.values("pk"))
    flows = Flow.objects.filter(Q(source__in=connections) | Q(target__in=connections))
    operations = Operation.objects.filter(Q(flow__in=flows) | Q(connection__in=connections))
    return [
        Belonging("timeline lines", Fact.objects.filter(theirs)),
        Belonging("cases", Case.objects.filter(connection__in=connections)),
        Belonging("operations", operations),
        Belonging("flows", flows),
        Belonging("webhooks", Event.objects.filter(connection__in=connections)),
        Belonging("references", Reference.objects.filter(theirs | Q(connection__in=connections))),
        *(Belonging(f"{kind}s", records[kind]) for kind in ("refund", "shipment", "order")),
        Belonging("stock figures", StockLevel.objects.filter(connection__in=connections)),
        Belonging("products", Product.objects.filter(origin__in=connections)),
        Belonging("locations", Location.objects.filter(origin__in=connections)),
        Belonging("connections", Connection.objects.filter(pk__in=[each.pk for each in connections])),
    ]


def export(connections: Collection[Connection]) -> Iterator[str]:
    """All of it as lines of JSON (Django's `jsonl`), what others refer to first. Credentials are left out."""
    for belonging in reversed(belongings(connections)):
        rows = belonging.rows.order_by("pk").iterator(chunk_size=500)
        yield from serializers.serialize("jsonl", rows).splitlines()


def purge(connections: Collection[Connection]) -> None:
    """Delete all of it, inside the caller's transaction. Raises ``StillNeeded``."""
    operations = next(each.rows for each in belongings(connections) if each.words == "operations")
    settle_subjects([operation_subject(pk) for pk in operations.values_list("pk", flat=True)], timezone.now())
    for belonging in belongings(connections):
        try:
            belonging.rows.delete()
        except ProtectedError as error:
            needing = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})
            raise StillNeeded(
                f"Some of their {belonging.words} are needed by the {' and '.join(needing)} of other connections, "
                "so that nothing was deleted. Archive the connections instead, or delete the others first."
            ) from error


def archive(connections: Collection[Connection]) -> None:
    """Keep all of it, and let nothing happen with it: switched off, its flows are drafts, its cases closed."""
    for flow in Flow.objects.filter(Q(source__in=connections) | Q(target__in=connections)):
        if flow.state != Flow.State.DRAFT:
            switch(flow, Flow.State.DRAFT, "Removing a plugin")
    Connection.objects.filter(pk__in=[each.pk for each in connections]).update(enabled=False)
    close(Case.objects.filter(connection__in=connections, state=Case.State.OPEN), timezone.now())
