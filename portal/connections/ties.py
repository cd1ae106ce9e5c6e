"""Making room for a tie: an id is one reference's, and one that a person untied is nobody's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from portal.connections.models import Connection, Reference


def forget_untied(connection: Connection, ids: Iterable[tuple[str, str]]) -> None:
    """Delete the references of these ids, pairs of kind and external id, that no tie was confirmed for.

    One query a kind; called in the transaction that ties them."""
    by_kind = defaultdict(list)
    for kind, external_id in ids:
        by_kind[kind].append(external_id)
    for kind, external_ids in by_kind.items():
        named = Reference.objects.filter(connection=connection, kind=kind, external_id__one_of=external_ids)
        named.exclude(state=Reference.State.CONFIRMED).delete()
