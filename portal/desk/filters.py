"""Filters by related rows, which ask for names only: one query each, and no credential is read."""

from __future__ import annotations

from typing import Any

from unfold.contrib.filters.admin import RelatedDropdownFilter

from portal.connections.models import Connection
from portal.records.models import Location
from portal.sync.models import Flow


class ConnectionFilter(RelatedDropdownFilter):
    def field_choices(self, *_: Any) -> list[tuple[int, str]]:
        return list(Connection.objects.values_list("pk", "name"))


class LocationFilter(RelatedDropdownFilter):
    def field_choices(self, *_: Any) -> list[tuple[int, str]]:
        return list(Location.objects.values_list("pk", "code"))


class FlowFilter(RelatedDropdownFilter):
    def field_choices(self, *_: Any) -> list[tuple[int, str]]:
        flows = Flow.objects.select_related("source", "target").only("kind", "source__name", "target__name")
        return [(flow.pk, str(flow)) for flow in flows]
