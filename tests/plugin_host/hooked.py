"""Give loaded plugins hooks of a test's own."""

from __future__ import annotations

from portal.plugins.manager import Implementation, plugins


def implement(monkeypatch, hook, **functions):
    """Let the plugins named by the keywords implement ``hook``, in that order, and no others."""
    found = [
        Implementation(
            name, hook, function, tuple(function.__code__.co_varnames[: function.__code__.co_argcount])
        )
        for name, function in functions.items()
    ]
    host = plugins()
    monkeypatch.setitem(host._implementations, hook, found)
    known = dict.fromkeys(functions, "tests.plugin_host")
    monkeypatch.setattr(host, "_modules", {**host._modules, **known})
    return found
