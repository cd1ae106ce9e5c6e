"""The words of `portal.desk.show` for templates."""

from __future__ import annotations

from datetime import datetime

from django import template
from django.utils.safestring import SafeString

from portal.connections.models import Connection
from portal.desk import show

register = template.Library()


@register.filter
def ago(when: datetime | None) -> SafeString | str:
    return show.ago(when, "never")


@register.filter
def state_pill(row: object) -> SafeString:
    return show.state(row)  # type: ignore[arg-type]


@register.filter
def health_light(connection: Connection) -> SafeString:
    return show.light(connection.health, connection.get_health_display())
