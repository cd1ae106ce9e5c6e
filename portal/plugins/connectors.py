"""What a connector class has to declare before anybody makes a connection with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from portal.sdk import Connector, Promise, Settings
from portal.sdk.records import KINDS
from portal.testing.protocols import known_methods, protocols

LOOKED_UP = (Promise.UNIQUE_REFERENCE, Promise.SEARCHABLE)
KEY = re.compile(r"[a-z][a-z0-9_-]*")
KNOWN = known_methods()


def faults(cls: Any) -> Iterator[str]:
    """Sentences for the author of a ``Connector`` class, each about one thing that is missing or wrong.

    Foreign code: nothing that its class variables are annotated with is taken for granted.
    """
    name = cls.__name__
    if not (isinstance(cls.key, str) and KEY.fullmatch(cls.key)):
        yield f"The key {cls.key!r} of {name} has to be lower-case letters, digits, - and _."
    if not (isinstance(getattr(cls, "title", None), str) and cls.title.strip()):
        yield f"{name} has no title, by which staff would know it."
    if not (isinstance(cls.Settings, type) and issubclass(cls.Settings, Settings)):
        yield f"{name}.Settings has to be a class made from portal.sdk.Settings."
    if cls.check is Connector.check:
        yield f"{name} has no method check, by which a connection is tested."
    yield from _misspelt(cls)
    yield from _halves(cls)
    yield from _promises(cls)


def _misspelt(cls: Any) -> Iterator[str]:
    """A method with a name of its own is the author's affair; one that is nearly a capability's is never called."""
    for method in dir(cls):
        if method not in KNOWN and (meant := get_close_matches(method, KNOWN, n=1, cutoff=0.85)):
            yield f"{cls.__name__} has a method {method}, which nothing calls; it may be meant to be {meant[0]}."


def _halves(cls: Any) -> Iterator[str]:
    """A capability is there when all its methods are; with a part of them it would be off, and nobody told."""
    for capability in protocols().values():
        if half := capability.half(cls):
            there, missing = half
            yield f"{cls.__name__} has {there} but not {missing}, so that neither is used; {capability.name} needs both."


def _promises(cls: Any) -> Iterator[str]:
    name = cls.__name__
    pushed = [kind for kind in KINDS if f"push_{kind}" in KNOWN and hasattr(cls, f"push_{kind}")]
    for kind in pushed:
        promise = cls.promises.get(kind)
        if promise is None:
            yield f"{name} pushes {kind}, but its promises do not say what the remote promises for that."
        elif not isinstance(promise, Promise):
            yield f"{name} promises {promise!r} for {kind}, which is no Promise."
        elif promise in LOOKED_UP and f"find_{kind}" not in KNOWN:
            yield f"{name} promises {promise.name} for {kind}, which nothing looks up: take ABSOLUTE or NOTHING."
    for kind in cls.promises:
        if kind not in pushed:
            yield f"{name} promises something for {kind}, but has no method push_{kind}."
