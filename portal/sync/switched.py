"""What staff have switched off, connections and plugins: nothing of it is begun, and nothing is lost."""

from __future__ import annotations

from django.db.models import Q

from portal.plugins.manager import plugins
from portal.plugins.switches import switched_off


def jobs_switched_off() -> Q:
    """Picks the jobs that belong to such a connection or plugin."""
    names = switched_off()
    found = Q(connection__enabled=False) | Q(connection__connector__in=plugins().connectors_of(names))
    for name in names:
        found |= Q(name__startswith=f"plugin:{name}:")
    return found
