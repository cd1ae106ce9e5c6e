"""Switching a plugin off and on for one connection: for what belongs to this one nothing of it is done."""

from __future__ import annotations

from portal.connections.models import Connection, PluginPause
from portal.plugins.manager import plugins
from portal.plugins.switches import require_on, switched_off
from portal.sdk import Misconfigured


def switch_for(connection: Connection, plugin: str, *, on: bool) -> None:
    """From now on this plugin does nothing for this connection, or does again; what it is at is finished."""
    if on:
        PluginPause.objects.filter(connection=connection, plugin=plugin).delete()
    else:
        PluginPause.objects.get_or_create(connection=connection, plugin=plugin)


def off_for(*slugs: str) -> set[str]:
    """The plugins that are off, altogether or for one of the connections of these slugs. Two queries."""
    paused = PluginPause.objects.filter(connection__slug__in=slugs)
    return {*switched_off(), *paused.values_list("plugin", flat=True)}


def paused_connections(plugin: str) -> list[int]:
    """The primary keys of the connections that this plugin is off for. One query."""
    return list(PluginPause.objects.filter(plugin=plugin).values_list("connection", flat=True))


def pauses() -> list[tuple[int, str]]:
    """Every connection, by its primary key, with a plugin that is off for it. One query."""
    return list(PluginPause.objects.values_list("connection", "plugin"))


def require_on_for(connection: Connection) -> None:
    """Raises ``Misconfigured`` when the plugin that brings its connector is off, altogether or for this one."""
    require_on(connection.connector)
    plugin = plugins().owner_of(connection.connector)
    if PluginPause.objects.filter(connection=connection, plugin=plugin).exists():
        raise Misconfigured(
            f"The plugin {plugin} is switched off for {connection}, so nothing is read or sent; what comes up waits.",
            mend="Switch it on for this connection under Plugins.",
        )
