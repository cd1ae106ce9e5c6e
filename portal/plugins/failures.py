"""What goes wrong inside a plugin's code is recorded against that plugin, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from traceback import walk_tb

from django.db.models import F
from django.utils import timezone

from portal.plugins.manager import FOREIGN, plugins
from portal.plugins.models import Plugin
from portal.plugins.words import in_words
from portal.sdk import PortalError


class PluginFailed(PortalError):
    """A plugin's code raised what it should not, called `sys.exit`, or did not come to an end."""


@contextmanager
def charged(plugin: str, doing: str, hide: Callable[[str], str] = str) -> Iterator[None]:
    """Around a call into a plugin: what it raises, except the SDK's own errors, is recorded and comes out as
    ``PluginFailed``, also when it called `sys.exit`. ``hide`` blacks out what nobody may read."""
    try:
        yield
    except PortalError:
        raise
    except FOREIGN as error:
        failed = PluginFailed(hide(f"{doing} failed: {in_words(error)}."))
        if plugin:
            record(plugin, str(failed))
        raise failed from error


def charge(error: object, hide: Callable[[str], str] = str) -> None:
    """Record an error against the plugin whose code it came out of, if it is one that nobody foresaw."""
    if isinstance(error, FOREIGN) and not isinstance(error, PortalError) and (plugin := culprit(error)):
        record(plugin, hide(f"It failed: {in_words(error)}."))


def culprit(error: BaseException) -> str:
    """The plugin in whose code, or in a library called from there, the error was raised; else empty."""
    modules = [str(frame.f_globals.get("__name__", "")) for frame, _ in walk_tb(error.__traceback__)]
    return next(filter(None, map(plugins().plugin_of, reversed(modules))), "")


def record(plugin: str, said: str) -> None:
    """Count one more failure. `failing_since` is when they began."""
    now = timezone.now()
    Plugin.objects.get_or_create(name=plugin)
    row = Plugin.objects.filter(name=plugin)
    row.filter(failing_since=None).update(failing_since=now)
    row.update(failures=F("failures") + 1, last_failed_at=now, last_error=said[:2000])


def forget(plugin: str) -> None:
    """Start counting anew: somebody has seen to it."""
    Plugin.objects.filter(name=plugin).update(
        failures=0, failing_since=None, last_failed_at=None, last_error=""
    )
