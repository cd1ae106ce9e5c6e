"""The capabilities as data: each protocol of :mod:`portal.sdk.capabilities` with its methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from inspect import isfunction
from typing import Any

from portal.sdk import capabilities


@dataclass(frozen=True, slots=True)
class Capability:
    """``own`` are the methods that the protocol adds, ``methods`` all that it needs."""

    name: str
    says: str
    own: dict[str, Callable[..., Any]]
    methods: dict[str, Callable[..., Any]]

    def half(self, connector: Any) -> tuple[str, str] | None:
        """A method that is there and one that is not, where a class has only a part of what it needs."""
        there = next((name for name in self.own if hasattr(connector, name)), None)
        missing = next((name for name in self.methods if not hasattr(connector, name)), None)
        return (there, missing) if there and missing else None


@cache
def protocols() -> dict[str, Capability]:
    """All of them by name, in the order they are written in."""
    return {each.name: each for each in _protocols()}


@cache
def known_methods() -> frozenset[str]:
    """The methods that the portal looks for on a connector."""
    return frozenset(method for each in protocols().values() for method in each.methods)


def _protocols() -> Iterator[Capability]:
    for name, protocol in vars(capabilities).items():
        if getattr(protocol, "_is_protocol", False) and protocol.__module__ == capabilities.__name__:
            own = _functions(protocol)
            methods = {
                method: how for base in reversed(protocol.__mro__) for method, how in _functions(base).items()
            }
            yield Capability(name, protocol.__doc__ or "", own, methods)


def _functions(protocol: type) -> dict[str, Callable[..., Any]]:
    of_ours = protocol.__module__ == capabilities.__name__
    found = vars(protocol).items() if of_ours else ()
    return {name: value for name, value in found if isfunction(value) and not name.startswith("_")}
