"""Switching plugins on and off while the portal runs. A plugin without a row is on."""

from __future__ import annotations

from collections.abc import Iterable

from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.sdk import Misconfigured


def switch(name: str, *, on: bool) -> None:
    """From now on nothing of this plugin is begun, or it is again; what it is at is finished."""
    Plugin.objects.update_or_create(name=name, defaults={"enabled": on})


def note_installed(names: Iterable[str]) -> None:
    """A row for every plugin, so that staff can switch each of them."""
    known = set(Plugin.objects.values_list("name", flat=True))
    Plugin.objects.bulk_create(
        (Plugin(name=name) for name in dict.fromkeys(names) if name not in known), ignore_conflicts=True
    )


def remember() -> None:
    """Note what outlives each plugin in use, for whoever removes it when its code is gone."""
    host = plugins()
    known = {row.name: row for row in Plugin.objects.all()}
    for name in host.names():
        app, keys = host.brings(name).app, host.connectors_of([name])
        row = known.get(name)
        if (app or keys) and (row is None or (row.app, row.connectors) != (app, keys)):
            Plugin.objects.update_or_create(name=name, defaults={"app": app, "connectors": keys})


def switched_off() -> list[str]:
    """The names of the plugins that are off. One query."""
    return list(Plugin.objects.filter(enabled=False).values_list("name", flat=True))


def require_on(connector: str) -> None:
    """Raises ``Misconfigured`` when the plugin that brings this connector is switched off."""
    plugin = plugins().owner_of(connector)
    if plugin in switched_off():
        raise Misconfigured(
            f"The plugin {plugin} is switched off, so nothing is read or sent with it; what comes up waits.",
            mend="Switch it on under Plugins.",
        )
