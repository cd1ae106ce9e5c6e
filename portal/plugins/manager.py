"""The one door through which the portal speaks to plugins: imports them when first needed, asks their hooks,
keeps each plugin's failure its own."""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar, cast

import pluggy
from django.conf import settings

from portal.plugins.discovery import PluginSource
from portal.plugins.labels import app_label, apps_file
from portal.plugins.registered import THINGS, WORDS, faults, is_fit
from portal.plugins.words import in_words
from portal.sdk import hooks
from portal.sdk.connector import Connector, Promise
from portal.sdk.contributions import Permission, PluginJob, PluginSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

FOREIGN = (Exception, SystemExit)
"""What is caught around a plugin's code: a plugin that calls `sys.exit` must not end the portal's process."""


@dataclass(frozen=True, slots=True)
class PluginFailure:
    """A plugin that could not be used, and why, in a sentence for the reader."""

    plugin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Brings:
    """What one plugin adds to the portal. `app` is the label of its Django app, empty when it is none.

    `more` is the rest: what people call such a thing, its name, and its title.
    """

    connectors: tuple[type[Connector], ...] = ()
    jobs: tuple[PluginJob, ...] = ()
    hooks: tuple[str, ...] = ()
    app: str = ""
    settings: type[PluginSettings] | None = None
    more: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Implementation:
    """One plugin's function for one hook, called with those of the hook's arguments that it takes."""

    plugin: str
    hook: str
    function: Callable[..., Any]
    takes: tuple[str, ...]

    def __call__(self, **arguments: Any) -> Any:
        return self.function(**{name: arguments[name] for name in self.takes})


HOOKS = tuple(name for name, member in vars(hooks).items() if hasattr(member, f"{hooks.PROJECT}_spec"))
"""The names of all hooks, in the order of portal.sdk.hooks."""


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
        self._implementations = {hook: self._find(hook) for hook in HOOKS}
        self._owners: dict[str, str] = {}
        self._connectors = self._collect_connectors()
        self._things: dict[type[Any], list[tuple[str, Any]]] = {Permission: []}
        for hook, cls in THINGS.items():
            self._things[cls] = self._collect(hook)
        self._settings = self._collect_settings()

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

    def jobs(self) -> list[tuple[str, PluginJob]]:
        """The plugins' own jobs, each with the name of its plugin."""
        return self.brought(PluginJob)

    def brought(self, cls: type[T]) -> list[tuple[str, T]]:
        """All that the plugins registered of this class, such as ``RecordPanel``, each with its plugin's name."""
        return cast(list[tuple[str, T]], list(self._things[cls]))

    def settings_class(self, plugin: str) -> type[PluginSettings] | None:
        """The class of that plugin's own settings, if it has some."""
        return self._settings.get(plugin)

    def settings_owner(self, cls: type[PluginSettings]) -> str:
        """The plugin that registered this class; empty when none did."""
        return next((plugin for plugin, known in self._settings.items() if known is cls), "")

    def implementations(self, hook: str) -> list[Implementation]:
        """Who implements the hook, in the order in which plugins are asked: the portal's own first."""
        return self._implementations[hook]

    def names(self) -> list[str]:
        """The plugins that were loaded."""
        return list(self._modules)

    def brings(self, plugin: str) -> Brings:
        """What that plugin adds; nothing when it could not be loaded."""
        loaded = self._pluggy.get_plugin(plugin)
        if loaded is None:
            return Brings()
        module = self._modules[plugin]
        return Brings(
            connectors=tuple(self._connectors[key] for key in self.connectors_of([plugin])),
            jobs=tuple(job for owner, job in self.jobs() if owner == plugin),
            hooks=tuple(sorted(caller.name for caller in self._pluggy.get_hookcallers(loaded) or ())),
            app=app_label(module) if apps_file(module) else "",
            settings=self.settings_class(plugin),
            more=tuple(
                (word, thing.name, getattr(thing, "title", ""))
                for cls, word in WORDS.items()
                for owner, thing in self._things[cls]
                if owner == plugin
            ),
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

    def _find(self, hook: str) -> list[Implementation]:
        found = [
            Implementation(each.plugin_name, hook, each.function, tuple(each.argnames))
            for each in getattr(self._pluggy.hook, hook).get_hookimpls()
        ]
        return sorted(found, key=lambda each: self.names().index(each.plugin))

    def _collect_connectors(self) -> dict[str, type[Connector]]:
        found: dict[str, type[Connector]] = {}
        for plugin, connector in self._ask("register_connectors"):
            if not getattr(connector, "key", ""):
                self._fail(plugin, f"its connector {connector.__name__} has no key")
                continue
            owner = self._owners.setdefault(connector.key, plugin)
            if owner == plugin:
                found.setdefault(connector.key, connector)
            else:
                self._fail(plugin, f"the plugin {owner} already brings a connector “{connector.key}”")
        return {key: found[key] for key in sorted(found)}

    def _collect(self, hook: str) -> list[tuple[str, Any]]:
        """What is wrong is left out, with its reason; its neighbours are taken."""
        taken: list[tuple[str, Any]] = []
        for plugin, thing in self._ask(hook):
            others = [other for owner, other in taken if owner == plugin]
            own = {each.name for owner, each in self.brought(Permission) if owner == plugin}
            wrong = list(faults(thing, others, own))
            for sentence in wrong:
                self._fail(plugin, f"its hook {hook} returned what cannot be used: {sentence}")
            if not wrong:
                taken.append((plugin, thing))
        return taken

    def _collect_settings(self) -> dict[str, type[PluginSettings]]:
        found: dict[str, type[PluginSettings]] = {}
        for plugin, cls in self._ask("register_settings"):
            if plugin in found:
                self._fail(plugin, "its hook register_settings returned more than one class")
            found.setdefault(plugin, cls)
        return found

    def _ask(self, hook: str) -> Iterator[tuple[str, Any]]:
        """What the plugins' hooks returned, item by item with the plugin's name; each plugin is asked alone,
        because pluggy's own call ends at the first one that raises."""
        for implementation in self.implementations(hook):
            plugin = implementation.plugin
            try:
                answers = list(implementation())
            except FOREIGN as error:
                self._fail(plugin, f"its hook {hook} failed", error)
                continue
            for answer in answers:
                if is_fit(hook, answer):
                    yield plugin, answer
                else:
                    self._fail(
                        plugin, f"its hook {hook} returned {answer!r}, which is not what that hook returns"
                    )

    def _fail(self, plugin: str, what: str, error: BaseException | None = None) -> None:
        reason = f"The plugin {plugin} cannot be used as it is: {what}"
        reason += f" ({in_words(error)})." if error else "."
        self.failures.append(PluginFailure(plugin, reason))
        logger.error(reason, exc_info=error)


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


def lacks(key: str, capability: type) -> bool:
    """Whether the connector surely cannot do that: nobody knows while its plugin is away."""
    cls = connector_class_or_none(key)
    return cls is not None and not issubclass(cls, capability)


def promise_of(key: str, kind: str) -> Promise:
    """What the remote promises for pushes of that kind; nothing while the connector's plugin is away."""
    cls = connector_class_or_none(key)
    return cls.promises.get(kind, Promise.NOTHING) if cls else Promise.NOTHING
