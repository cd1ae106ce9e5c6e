"""The plugins' transforms, by their whole names: the one way to call one."""

from __future__ import annotations

from typing import Any

from portal.plugins.calls import timed
from portal.plugins.failures import charged
from portal.plugins.manager import plugins
from portal.plugins.switches import switched_off
from portal.sdk.contributions import Transform
from portal.sdk.errors import SkipRecord

PLAIN = (str, int, float, bool, type(None))


def transforms() -> dict[str, Transform]:
    """Every transform by ``<plugin>.<name>``; of plugins that are switched off none. One query."""
    off = switched_off()
    return {
        f"{plugin}.{each.name}": each for plugin, each in plugins().brought(Transform) if plugin not in off
    }


def transform(name: str, value: Any, /, **arguments: Any) -> Any:
    """What the transform ``<plugin>.<name>`` makes of a JSON value.

    Raises ``SkipRecord`` where there is none of that name, or where it says (by ``ValueError``) that this value
    cannot be transformed, and ``PluginFailed`` for whatever else goes wrong in it, which is recorded.
    """
    known = transforms()
    if name not in known:
        raise SkipRecord(
            f"There is no transform {name}.",
            cause="unknown-transform",
            mend="Switch its plugin on, or choose another; `./run manage plugins list` tells what each brings.",
        )
    plugin = name.partition(".")[0]
    with charged(plugin, f"The transform {name}"), timed(plugin, f"The transform {name}"):
        try:
            found = known[name].run(value, **arguments)
        except ValueError as error:
            raise SkipRecord(f"The transform {name} refused {value!r}: {error}", cause="transform") from error
        if not _is_json(found):
            raise TypeError(f"it returned {found!r}, which is no JSON value")
        return found


def _is_json(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    return isinstance(value, PLAIN)
