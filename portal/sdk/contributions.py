"""What a plugin adds behind the screens: jobs, webhook topics, transforms, settings, permissions, retention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from portal.sdk.connector import Settings
from portal.sdk.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class PluginJob:
    """Work of a plugin's own, done again every ``every``.

    ``run`` takes no arguments and returns a sentence for the run's page, or an empty text when there was nothing
    to do. It may be run twice, so its effect has to be the same the second time. With ``connectors``, the keys of connectors, there is one such job for
    each of their connections, and it is called as ``run(connector=…, connection=…)``: the opened
    ``Connector`` and a ``ConnectionInfo``.
    """

    name: str
    title: str
    every: timedelta
    run: Callable[..., str]
    connectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Topic:
    """A webhook topic that a plugin wants to hear of beside those that a connector asks for itself.

    ``connector`` is the key of the connector, ``name`` the topic in the vendor's words. The connector has to be
    able to (:class:`portal.sdk.capabilities.HearsTopics`). What is heard comes to ``on_webhook``.
    """

    connector: str
    name: str


@dataclass(frozen=True, slots=True)
class Transform:
    """A pure function from one value to another, known as ``<plugin>.<name>``.

    It is called as ``run(value, **arguments)`` with JSON values (text, numbers, truth values, None, lists and
    mappings of these) and returns one. The same input gives the same output, and nothing else happens. Raise
    ``ValueError`` with a sentence for a value that cannot be transformed.
    """

    name: str
    title: str
    run: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Permission:
    """A right of the plugin's own. ``name`` is short (``"print"``); ``title`` says what one may do ("Can print
    labels"). ``roles`` are those of the portal's roles that have it at once: ``"viewer"``, ``"operator"``,
    ``"mapper"``, ``"finance"``. Administrators have every right.
    """

    name: str
    title: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a plugin keeps its own rows.

    ``purge(before=…, most=…)`` removes at most ``most`` rows that are older than the aware moment ``before``, in
    one go, and returns how many it removed; it is called until it returns fewer than ``most``.
    """

    name: str
    title: str
    keep: timedelta
    purge: Callable[..., int]


class PluginSettings(Settings):
    """Base of a plugin's own settings, one class a plugin. The portal makes their form from the fields.

    >>> from portal.sdk import Field, PluginSettings, SecretStr
    >>> class LabelSettings(PluginSettings):
    ...     printer: str = Field(default="office", title="Printer")
    ...     token: SecretStr | None = Field(default=None, title="API token")
    >>> LabelSettings().printer
    'office'

    ``SecretStr`` fields are kept encrypted and never shown again.
    """

    @classmethod
    def read(cls) -> Self:
        """The values that staff gave, and the defaults for the others, as they stand now. One query.

        Raises ``Misconfigured`` when a value without default was not given yet, when no plugin in use registered
        this class, and outside a portal (in a test of your own, construct the class instead).
        """
        if _portal.reader is None:
            raise Misconfigured(
                f"{cls.__name__} was read outside a portal, where nothing is stored.",
                mend=f"Construct it: {cls.__name__}(…).",
            )
        found = _portal.reader(cls)
        assert isinstance(found, cls), "the portal answers with the class that was asked for"
        return found


Reader = Callable[[type[PluginSettings]], PluginSettings]


@dataclass(slots=True)
class _Portal:
    """The portal around the plugin, if there is one."""

    reader: Reader | None = None


_portal = _Portal()


def settings_are_kept_by(reader: Reader | None) -> None:
    """The portal's side of ``PluginSettings.read``: who knows the stored values. No plugin calls this."""
    _portal.reader = reader
