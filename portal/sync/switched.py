"""What staff have switched off, connections and plugins: nothing of it is begun, and nothing is lost."""

from __future__ import annotations

from django.db.models import Q

from portal.connections.plugin_switches import pauses
from portal.plugins.manager import plugins
from portal.plugins.switches import switched_off


def jobs_switched_off() -> Q:
    """Picks the jobs that belong to such a connection or plugin, or to a plugin that is off for their connection."""
    names = switched_off()
    found = Q(connection__enabled=False) | Q(connection__connector__in=plugins().connectors_of(names))
    for name in names:
        found |= Q(name__startswith=f"plugin:{name}:") | Q(name=f"tell:{name}")
    for connection, name in pauses():
        brought = Q(connection__connector__in=plugins().connectors_of([name]))
        found |= Q(connection=connection) & (brought | Q(name__startswith=f"plugin:{name}:"))
    return found
