"""What plugins show on our pages, for the person who looks: panels, actions, tiles. Of a plugin that is switched
off there is nothing; one that fails costs its own box."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest
from django.utils.safestring import SafeString

from portal.connections.plugin_switches import off_for
from portal.desk import show
from portal.desk.blocks import draw
from portal.desk.panels import Panel
from portal.plugins.calls import guarded, listed
from portal.plugins.failures import PluginFailed
from portal.plugins.manager import plugins
from portal.plugins.models import Plugin
from portal.plugins.permissions import full
from portal.sdk import Figure, PortalError, RecordAction, RecordPanel, Text, Tile
from portal.sdk.surfaces import Block

T = TypeVar("T", RecordPanel, RecordAction, Tile)


@dataclass(frozen=True, slots=True)
class ShownTile:
    """A plugin's tile on the dashboard; ``said`` is the sentence in the place of figures."""

    title: str
    figures: tuple[Figure, ...] = ()
    said: str = ""


def allowed(request: HttpRequest, plugin: str, permission: str) -> bool:
    """Whether this person has the permission that something of the plugin names; none means everybody."""
    return not permission or bool(request.user.has_perm(full(plugin, permission)))


def panels(request: HttpRequest, make: Callable[[], Any], kind: str, *at: str) -> Iterator[Panel]:
    """The plugins' boxes for a page of that kind that belongs to these connections; ``make`` makes its subject
    when there is somebody to ask."""
    wanted = _open_to(
        request, [each for each in plugins().brought(RecordPanel) if kind in each[1].kinds], *at
    )
    subject = make() if wanted else None
    for plugin, panel in wanted:
        if drawn := _panel(plugin, panel, subject):
            where = plugin_link(request, plugin)
            yield Panel(panel.title, "desk/panels/drawn.html", {"html": drawn}, link=where)


def _panel(plugin: str, panel: RecordPanel, subject: Any) -> SafeString:
    doing = f"The panel “{panel.title}”"
    try:
        blocks = listed(plugin, doing, Block, panel.show, subject=subject)
        drawn: SafeString = guarded(plugin, doing, draw, blocks=blocks)
        return drawn
    except PortalError as error:
        return draw([Text(_sorry(doing, error))])


def actions(request: HttpRequest, kind: str, *at: str) -> list[tuple[str, RecordAction]]:
    """The plugins' actions that this person may take on pages of that kind that belong to these connections, each with
    its plugin's name."""
    brought = plugins().brought(RecordAction)
    return _open_to(request, [each for each in brought if kind in each[1].kinds], *at)


def act(plugin: str, action: RecordAction, subject: Any, by: str) -> str:
    """Take it; what came of it as a sentence. Raises ``PortalError`` with one that says why not."""
    said = guarded(plugin, f"The action “{action.title}”", action.run, subject=subject, by=by)
    return str(said or f"{action.title}: done.")


def tiles(request: HttpRequest) -> list[ShownTile]:
    """The plugins' tiles for the dashboard."""
    wanted = _open_to(request, plugins().brought(Tile))
    return [tile for plugin, each in wanted for tile in _tile(plugin, each)]


def _tile(plugin: str, tile: Tile) -> list[ShownTile]:
    doing = f"The tile “{tile.title}”"
    try:
        found = listed(plugin, doing, Figure, tile.show)
        figures = guarded(plugin, doing, lambda: tuple(map(_plain, found)))
    except PortalError as error:
        return [ShownTile(tile.title, said=_sorry(doing, error))]
    return [ShownTile(tile.title, figures)] if figures else []


def _plain(figure: Figure) -> Figure:
    """Text only, and no link that leads out of the portal."""
    inside = figure.link.startswith("/") and not figure.link.startswith("//")
    return Figure(str(figure.value), str(figure.label), figure.tone, figure.link if inside else "")


def _open_to(request: HttpRequest, things: list[tuple[str, T]], *at: str) -> list[tuple[str, T]]:
    """Those that this person may see, of plugins that are on for these connections."""
    mine = [(plugin, thing) for plugin, thing in things if allowed(request, plugin, thing.permission)]
    off = off_for(*at) if mine else set()
    return [(plugin, thing) for plugin, thing in mine if plugin not in off]


def plugin_link(request: HttpRequest, plugin: str) -> tuple[str, str] | None:
    """Where a box comes from, for those who look after plugins."""
    return (show.listing(Plugin, q=plugin), plugin) if show.may_view(request, Plugin) else None


def _sorry(doing: str, error: PortalError) -> str:
    """An error of the SDK is a sentence for the reader; any other is told where plugins are looked after."""
    return f"{doing} cannot be shown just now." if isinstance(error, PluginFailed) else str(error)
