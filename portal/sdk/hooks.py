"""The hooks a plugin may implement, one protocol for all: keyword arguments in, an iterable out.

A plugin is a module named by an entry point of the group ``portal.plugins``; its hook functions carry
``@portal.sdk.hook``. What they return is never changed afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import pluggy

from portal.sdk.connector import Connector

PROJECT = "portal"
hookspec = pluggy.HookspecMarker(PROJECT)
hook = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class PluginJob:
    """Work of a plugin's own, done again every ``every``.

    ``run`` takes no arguments and returns a sentence for the run's page. It may be run twice, so its effect
    has to be the same the second time.
    """

    name: str
    title: str
    every: timedelta
    run: Callable[[], str]


@hookspec
def register_connectors() -> Iterable[type[Connector]]:  # type: ignore[empty-body]
    """The connector classes this plugin brings. Asked once, at the start.

    .. versionadded:: 0.1
    """


@hookspec
def register_jobs() -> Iterable[PluginJob]:  # type: ignore[empty-body]
    """Jobs beside those that the portal derives from the connectors' capabilities. Asked once, at the start.

    .. versionadded:: 0.1
    """
