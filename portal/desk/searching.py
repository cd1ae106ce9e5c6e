"""Looking for people by their names as anybody might type them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest

from portal.records.names import fold_name


class FindsPeople:
    """For a screen: besides what its ``search_fields`` find, rows whose ``people`` column has every word."""

    people = "people"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found, doubled = super().get_search_results(request, queryset, search_term)  # type: ignore[misc]
        if words := fold_name(search_term).split():
            named = Q(*(Q(**{f"{self.people}__contains": word}) for word in words))
            found = found | queryset.filter(named)
        return found, doubled
