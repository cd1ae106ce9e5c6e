"""Which plugins are installed, read from the metadata of installed distributions. Nothing is imported here:
settings ask this while Django is not yet up, and a broken plugin must not break that."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points

GROUP = "portal.plugins"
PORTAL = "erp-portal"
"""The portal's own distribution: what it brings is trusted, what others bring names a range of it."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""Of plugins and of what they bring: part of addresses, permissions and job names."""


@dataclass(frozen=True, slots=True)
class PluginSource:
    """One entry point of the group: `name` is how staff know the plugin, `module` holds its hooks.

    `requires` are the lines of `Requires-Dist`, as they stand.
    """

    name: str
    module: str
    distribution: str
    version: str
    entry_point: EntryPoint
    requires: tuple[str, ...] = field(default=(), repr=False)

    @property
    def bundled(self) -> bool:
        return self.distribution == PORTAL

    def __str__(self) -> str:
        return f"The plugin {self.name} {self.version} ({self.distribution})"


def installed() -> list[PluginSource]:
    """Every plugin that an installed distribution announces: the portal's own first, then by name and
    distribution, so that of two that clash the same one comes first everywhere."""
    return sorted(_sources(), key=lambda source: (not source.bundled, source.name, source.distribution))


def _sources() -> Iterator[PluginSource]:
    for point in entry_points(group=GROUP):
        dist = point.dist
        yield PluginSource(
            name=point.name,
            module=point.module,
            distribution=(dist.name or "") if dist else "",
            version=(dist.version or "") if dist else "",
            entry_point=point,
            requires=tuple(dist.requires or ()) if dist else (),
        )
