"""The one door through which the portal speaks to plugins: imports them when first needed, asks their hooks,
keeps each plugin's failure its own."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pluggy
from django.conf import settings

from portal.plugins.discovery import PluginSource
from portal.plugins.labels import app_label, apps_file
from portal.plugins.words import in_words
from portal.sdk import hooks
from portal.sdk.connector import Connector, Promise

logger = logging.getLogger(__name__)

FOREIGN = (Exception, SystemExit)
"""What is caught around a plugin's code: a plugin that calls `sys.exit` must not end the portal's process."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be used, and why, in a sentence for the reader."""

    plugin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Brings:
    """What one plugin adds to the portal. `app` is the label of its Django app, empty when it is none."""

    connectors: tuple[type[Connector], ...] = ()
    jobs: tuple[hooks.PluginJob, ...] = ()
    hooks: tuple[str, ...] = ()
    app: str = ""


class UnknownConnector(LookupError):
    """No plugin in use brings a connector of that key. The message names the key and what is installed."""


class PluginManager:
    """The given plugins, loaded. One that fails is left out and listed in `failures`.

    Every hook is asked once, here.
    """

    def __init__(self, sources: Iterable[PluginSource]) -> None:
        self.failures: list[PluginFailure] = []
        self._pluggy = pluggy.PluginManager(hooks.PROJECT)
        self._pluggy.add_hookspecs(hooks)
        self._packages: dict[str, str] = {}
        self._modules: dict[str, str] = {}
        for source in sources:
            self._load(source)
        self._owners: dict[str, str] = {}
        self._connectors = self._collect_connectors()
        self._jobs = list(self._ask("register_jobs", lambda answer: isinstance(answer, hooks.PluginJob)))

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
                "Install the plugin again, or delete the connections that use it; "
                "`./run manage plugins list` tells of plugins that are left out."
            ) from None

    def jobs(self) -> list[tuple[str, hooks.PluginJob]]:
        """The plugins' own jobs, each with the name of its plugin."""
        return list(self._jobs)

    def brings(self, plugin: str) -> Brings:
        """What that plugin adds; nothing when it could not be loaded."""
        loaded = self._pluggy.get_plugin(plugin)
        if loaded is None:
            return Brings()
        module = self._modules[plugin]
        return Brings(
            connectors=tuple(self._connectors[key] for key in self.connectors_of([plugin])),
            jobs=tuple(job for owner, job in self._jobs if owner == plugin),
            hooks=tuple(sorted(caller.name for caller in self._pluggy.get_hookcallers(loaded) or ())),
            app=app_label(module) if apps_file(module) else "",
        )

    def owner_of(self, connector: str) -> str:
        """The plugin that brings the connector of that key; empty when none does."""
        return self._owners.get(connector, "")

    def connectors_of(self, names: Collection[str]) -> list[str]:
        """The keys of the connectors that these plugins bring."""
        return [key for key in self._connectors if self._owners.get(key) in names]

    def plugin_of(self, module: str) -> str:
        """The plugin that the Python module belongs to; empty when it is no plugin's."""
        return next(
            (plugin for plugin, home in self._packages.items() if f"{module}.".startswith(f"{home}.")), ""
        )

    def _load(self, source: PluginSource) -> None:
        # A plugin is foreign code: whatever it raises, the portal starts without it and says so.
        try:
            loaded = source.entry_point.load()
            self._pluggy.register(loaded, name=source.name)
            self._pluggy.check_pending()
        except FOREIGN as error:
            if self._pluggy.has_plugin(source.name):
                self._pluggy.unregister(name=source.name)
            self._fail(source.name, f"it could not be loaded from {source.module}", error)
        else:
            self._packages[source.name] = getattr(loaded, "__package__", "") or source.module
            self._modules[source.name] = source.module

    def _collect_connectors(self) -> dict[str, type[Connector]]:
        found: dict[str, type[Connector]] = {}
        for plugin, connector in self._ask("register_connectors", _is_connector_class):
            owner = self._owners.setdefault(connector.key, plugin)
            if owner == plugin:
                found.setdefault(connector.key, connector)
            else:
                self._fail(plugin, f"the plugin {owner} already brings a connector “{connector.key}”")
        return {key: found[key] for key in sorted(found)}

    def _ask(self, hook: str, fits: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
        """What the plugins' hooks returned, item by item with the plugin's name; each plugin is asked alone,
        because pluggy's own call ends at the first one that raises."""
        implementations = getattr(self._pluggy.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=self._turn):
            plugin = implementation.plugin_name
            try:
                answers = list(implementation.function())
            except FOREIGN as error:
                self._fail(plugin, f"its hook {hook} failed", error)
                continue
            for answer in answers:
                if fits(answer):
                    yield plugin, answer
                else:
                    self._fail(
                        plugin, f"its hook {hook} returned {answer!r}, which is not what that hook returns"
                    )

    def _turn(self, implementation: Any) -> int:
        """Plugins are asked in the order they were given: the portal's own first."""
        return list(self._modules).index(implementation.plugin_name)

    def _fail(self, plugin: str, what: str, error: BaseException | None = None) -> None:
        reason = f"The plugin {plugin} cannot be used as it is: {what}"
        reason += f" ({in_words(error)})." if error else "."
        self.failures.append(PluginFailure(plugin, reason))
        logger.error(reason, exc_info=error)


def _is_connector_class(answer: Any) -> bool:
    return isinstance(answer, type) and issubclass(answer, Connector) and bool(getattr(answer, "key", ""))


@cache
def plugins() -> PluginManager:
    """The manager of this process with the plugins that settings admitted, made when first asked for."""
    return PluginManager(settings.PLUGINS.admitted)


def connector_classes() -> dict[str, type[Connector]]:
    """Connector classes of all installed plugins by their key."""
    return plugins().connector_classes()


def connector_class(key: str) -> type[Connector]:
    """The connector class of that key. Raises UnknownConnector."""
    return plugins().connector_class(key)


def connector_class_or_none(key: str) -> type[Connector] | None:
    """The same for those who go on without it: a plugin in quarantine must not hold up its neighbours."""
    return plugins().connector_classes().get(key)


def promise_of(key: str, kind: str) -> Promise:
    """What the remote promises for pushes of that kind; nothing while the connector's plugin is away."""
    cls = connector_class_or_none(key)
    return cls.promises.get(kind, Promise.NOTHING) if cls else Promise.NOTHING
