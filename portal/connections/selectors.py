"""Reading references: from a connection's ids to our records, and back. Each is one query."""

from __future__ import annotations

from collections.abc import Collection

from portal.connections.models import Connection, Reference


def records_of(connection: Connection, kind: str, external_ids: Collection[str]) -> dict[str, int]:
    """Our primary keys by the connection's ids, where the tie is confirmed."""
    found = (
        Reference.objects.filter(
            connection=connection,
            kind=kind,
            external_id__one_of=external_ids,
            state=Reference.State.CONFIRMED,
        )
        .order_by()
        .values_list("external_id", "record_id")
    )
    return {external_id: record for external_id, record in found if record is not None}


def ids_at(
    connection: Connection, kinds: Collection[str], records: Collection[int]
) -> dict[tuple[str, int], str]:
    """The connection's ids by (kind, our primary key), where the tie is confirmed.

    ``records`` are the keys of all kinds together; what is found beyond what was meant does no harm.
    """
    found = (
        Reference.objects.filter(
            connection=connection,
            kind__in=list(kinds),
            record_id__one_of=records,
            state=Reference.State.CONFIRMED,
        )
        .order_by()
        .values_list("kind", "record_id", "external_id")
    )
    return {(kind, record): external_id for kind, record, external_id in found if record is not None}
