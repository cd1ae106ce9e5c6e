"""Which plugins are installed, read from the metadata of installed distributions. Nothing is imported here:
settings ask this while Django is not yet up, and a broken plugin must not break that."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

GROUP = "portal.plugins"


@dataclass(frozen=True, slots=True)
class PluginSource:
    """One entry point of the group: `name` is how staff know the plugin, `module` holds its hooks."""

    name: str
    module: str
    distribution: str
    version: str
    entry_point: EntryPoint


def installed() -> list[PluginSource]:
    """Every plugin that an installed distribution announces, by name. The first of two equal names counts,
    as the first on `sys.path` does everywhere in Python."""
    found: dict[str, PluginSource] = {}
    for point in entry_points(group=GROUP):
        dist = point.dist
        source = PluginSource(
            name=point.name,
            module=point.module,
            distribution=dist.name if dist else "",
            version=dist.version if dist else "",
            entry_point=point,
        )
        found.setdefault(source.name, source)
    return [found[name] for name in sorted(found)]


def plugin_apps() -> list[str]:
    """The plugins that are Django apps (their package ships an `apps.py`), as INSTALLED_APPS wants them."""
    return [source.module for source in installed() if is_django_app(source.module)]


def is_django_app(module: str) -> bool:
    """Whether the package `module` has an `apps.py`: looked for on disk, no part of it is imported."""
    top, *below = module.split(".")
    # For a dotted name `find_spec` would import the parents, so only the first part is asked of it.
    spec = find_spec(top)
    places = spec.submodule_search_locations if spec else None
    return any(Path(place, *below, "apps.py").is_file() for place in places or ())
