"""The one door through which the portal speaks to plugins: imports them when first needed, asks their hooks,
keeps each plugin's failure its own."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pluggy

from portal.plugins.discovery import PluginSource, installed
from portal.sdk import hooks
from portal.sdk.connector import Connector

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be used, and why, in a sentence for the reader."""

    plugin: str
    reason: str


class UnknownConnector(LookupError):
    """No installed plugin brings a connector of that key. The message names the key and what is installed."""


class PluginManager:
    """Every installed plugin, loaded. One that fails is left out and listed in `failures`."""

    def __init__(self, sources: Iterable[PluginSource]) -> None:
        self.failures: list[PluginFailure] = []
        self._pluggy = pluggy.PluginManager(hooks.PROJECT)
        self._pluggy.add_hookspecs(hooks)
        for source in sources:
            self._load(source)
        self._connectors = self._collect_connectors()

    def connector_classes(self) -> dict[str, type[Connector]]:
        """Connector classes by their key, such as `tryton`, in the order of their keys."""
        return dict(self._connectors)

    def connector_class(self, key: str) -> type[Connector]:
        """The connector class of that key. Raises UnknownConnector."""
        try:
            return self._connectors[key]
        except KeyError:
            known = ", ".join(self._connectors) or "none"
            raise UnknownConnector(
                f"No installed plugin brings the connector “{key}”. Installed connectors: {known}. "
                "Install the plugin again, or delete the connections that use it."
            ) from None

    def jobs(self) -> list[tuple[str, hooks.PluginJob]]:
        """The plugins' own jobs, each with the name of its plugin."""
        return list(self._ask("register_jobs", lambda answer: isinstance(answer, hooks.PluginJob)))

    def _load(self, source: PluginSource) -> None:
        # A plugin is foreign code: whatever it raises, the portal starts without it and says so.
        try:
            self._pluggy.register(source.entry_point.load(), name=source.name)
            self._pluggy.check_pending()
        except Exception as error:
            if self._pluggy.has_plugin(source.name):
                self._pluggy.unregister(name=source.name)
            self._fail(source.name, f"it could not be loaded from {source.module}", error)

    def _collect_connectors(self) -> dict[str, type[Connector]]:
        found: dict[str, tuple[str, type[Connector]]] = {}
        for plugin, connector in self._ask("register_connectors", _is_connector_class):
            owner, _ = found.setdefault(connector.key, (plugin, connector))
            if owner != plugin:
                self._fail(plugin, f"the plugin {owner} already brings a connector “{connector.key}”")
        return {key: found[key][1] for key in sorted(found)}

    def _ask(self, hook: str, fits: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
        """What the plugins' hooks returned, item by item with the plugin's name; each plugin is asked alone,
        because pluggy's own call ends at the first one that raises."""
        implementations = getattr(self._pluggy.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda each: each.plugin_name):
            plugin = implementation.plugin_name
            try:
                answers = list(implementation.function())
            except Exception as error:
                self._fail(plugin, f"its hook {hook} failed", error)
                continue
            for answer in answers:
                if fits(answer):
                    yield plugin, answer
                else:
                    self._fail(
                        plugin, f"its hook {hook} returned {answer!r}, which is not what that hook returns"
                    )

    def _fail(self, plugin: str, what: str, error: Exception | None = None) -> None:
        reason = f"The plugin {plugin} cannot be used as it is: {what}"
        reason += f" ({type(error).__name__}: {error})." if error else "."
        self.failures.append(PluginFailure(plugin, reason))
        logger.error(reason, exc_info=error)


def _is_connector_class(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, Connector) and bool(getattr(answer, "key", ""))


@cache
def plugins() -> PluginManager:
    """The manager of this process, made when first asked for."""
    return PluginManager(installed())


def connector_classes() -> dict[str, type[Connector]]:
    """Connector classes of all installed plugins by their key."""
    return plugins().connector_classes()


def connector_class(key: str) -> type[Connector]:
    """The connector class of that key. Raises UnknownConnector."""
    return plugins().connector_class(key)
