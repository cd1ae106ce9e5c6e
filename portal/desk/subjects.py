"""What a case's item is about, as a link to where it can be mended."""

from __future__ import annotations

from urllib.parse import quote

from django.urls import reverse

from portal.connections.models import Connection
from portal.desk import show
from portal.desk.records import record_link
from portal.sync.models import CaseItem


def subject_link(item: CaseItem) -> str:
    """To the record of an operation, to the reference to tie, to the connection; else just its label.

    Subjects are ``operation:<id>``, ``<kind>:<connection>:<id there>``, ``connection:<id>`` and
    ``unreadable:<connection>:<kind>:<id there>``, as the engine writes them.
    """
    if item.operation is not None:
        return record_link(item.operation.kind, item.operation.record_id, item.label)
    word, _, rest = item.subject.partition(":")
    if word == "connection" and rest.isdigit():
        return show.link(show.address(Connection, rest), item.label)
    if word in ("product", "location"):
        connection, _, external_id = rest.partition(":")
        place = reverse("admin:connections_reference_changelist")
        query = f"?q={quote(external_id)}&kind__exact={word}&connection__id__exact={connection}"
        return show.link(place + query, item.label)
    return item.label
