"""The banner that tells staff, on every page, that the database was restored and what is being checked."""

from __future__ import annotations

from typing import Any

from django import template

from portal.desk import show
from portal.sync.models import Quarantine
from portal.sync.quarantine import progress

register = template.Library()


@register.inclusion_tag("desk/quarantine_banner.html", takes_context=True)
def quarantine_banner(context: dict[str, Any]) -> dict[str, Any]:
    request = context.get("request")
    if request is None or not request.user.is_staff:
        return {}
    row = Quarantine.objects.filter(open=True).first()
    if row is None:
        return {}
    link = show.address(row, row.pk) if show.may_view(request, Quarantine) else ""
    return {"row": row, "told": progress(row), "link": link}
