"""What each `register_…` hook returns, and what must hold of it before anybody uses it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from inspect import signature
from typing import Any, get_args

from django.http import HttpResponse
from django.urls import path

from portal.plugins.discovery import NAME
from portal.sdk.connector import Connector
from portal.sdk.contributions import Permission, PluginJob, PluginSettings, Retention, Topic, Transform
from portal.sdk.surfaces import PageKind, PluginUrl, RecordAction, RecordPanel, Tile

ROLES = ("viewer", "operator", "mapper", "finance")

THINGS: dict[str, type[Any]] = {
    "register_permissions": Permission,
    "register_jobs": PluginJob,
    "register_topics": Topic,
    "register_transforms": Transform,
    "register_panels": RecordPanel,
    "register_actions": RecordAction,
    "register_tiles": Tile,
    "register_urls": PluginUrl,
    "register_retention": Retention,
}
"""Hooks that return things with a name, with the class of these; permissions first, as others name them."""

CLASSES: dict[str, type[Any]] = {"register_connectors": Connector, "register_settings": PluginSettings}
"""Hooks that return classes, with the base of these."""

WORDS: dict[type[Any], str] = {
    Permission: "permission",
    Topic: "webhook topic",
    Transform: "transform",
    RecordPanel: "panel",
    RecordAction: "action",
    Tile: "tile",
    PluginUrl: "page",
    Retention: "retention",
}
"""What people call each, in the order in which a plugin's page shows them."""

CALLED_WITH: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    PluginJob: ("run", ()),
    RecordPanel: ("show", ("subject",)),
    RecordAction: ("run", ("subject", "by")),
    Tile: ("show", ()),
    Retention: ("purge", ("before", "most")),
}
"""Which attribute of each is a function, and the keywords that the portal calls it with."""


def is_fit(hook: str, answer: Any) -> bool:
    """Whether the answer is of the kind that the hook returns at all."""
    if hook in CLASSES:
        return isinstance(answer, type) and issubclass(answer, CLASSES[hook]) and answer is not CLASSES[hook]
    return isinstance(answer, THINGS[hook])


def faults(thing: Any, others: Collection[Any], permissions: Collection[str]) -> Iterator[str]:
    """Sentences on what is wrong with one thing. `others` of its kind were taken before it; `permissions` are the
    names of the plugin's own."""
    what = f"{type(thing).__name__} {thing.name!r}"
    if not isinstance(thing, Topic) and not (isinstance(thing.name, str) and NAME.fullmatch(thing.name)):
        yield f"the name of {what} has to be lower-case letters, digits, - and _"
    if any(_identity(other) == _identity(thing) for other in others):
        yield f"there is more than one {what}"
    title = getattr(thing, "title", "–")
    if not (isinstance(title, str) and title.strip()):
        yield f"{what} has no title, by which staff would know it"
    yield from _calls(thing, what)
    for name in ("every", "keep"):
        span = getattr(thing, name, None)
        if span is not None and not (isinstance(span, timedelta) and span >= timedelta(seconds=1)):
            yield f"{name} of {what} has to be a timedelta of a second or more"
    for kind in getattr(thing, "kinds", ()):
        if kind not in get_args(PageKind):
            yield f"{what} is for {kind!r}, which has no page; there are {', '.join(get_args(PageKind))}"
    yield from _rights(thing, what, permissions)


def _identity(thing: Any) -> tuple[Any, ...]:
    return (thing.name, getattr(thing, "connector", None))


def _calls(thing: Any, what: str) -> Iterator[str]:
    if isinstance(thing, Transform):
        yield from _cannot(thing.run, what, "run", (None,), {})
    elif isinstance(thing, PluginUrl):
        if not (callable(thing.view) or (isinstance(thing.view, str) and "." in thing.view)):
            yield f"the view of {what} has to be a function, or a text that names one"
        yield from _route(thing, what)
    elif type(thing) in CALLED_WITH:
        attribute, keywords = CALLED_WITH[type(thing)]
        if isinstance(thing, PluginJob) and thing.connectors:
            keywords = ("connector", "connection")
        yield from _cannot(getattr(thing, attribute), what, attribute, (), dict.fromkeys(keywords))


def _route(url: PluginUrl, what: str) -> Iterator[str]:
    """Django reads all addresses at once: one that it cannot read would take every page with it."""
    try:
        path(url.route, HttpResponse)
    except Exception as error:
        yield f"the route {url.route!r} of {what} cannot be used: {str(error).rstrip('.')}"
        return
    if url.route.startswith("/"):
        yield f"the route {url.route!r} of {what} has to begin without a /"


def _cannot(
    call: Any, what: str, attribute: str, values: tuple[Any, ...], keywords: Mapping[str, Any]
) -> Iterator[str]:
    if not callable(call):
        yield f"{attribute} of {what} is no function"
        return
    try:
        signature(call).bind(*values, **keywords)
    except TypeError as error:
        words = ", ".join([*("value" for _ in values), *(f"{name}=…" for name in keywords)])
        yield f"{attribute} of {what} cannot be called as {attribute}({words}): {error}"
    except ValueError:
        return  # a function written in C that does not tell its arguments


def _rights(thing: Any, what: str, permissions: Collection[str]) -> Iterator[str]:
    permission = getattr(thing, "permission", "")
    if not isinstance(permission, str):
        yield f"the permission of {what} has to be a text"
    elif permission and "." not in permission and permission not in permissions:
        yield f"{what} wants the permission {permission!r}, which register_permissions does not bring"
    if isinstance(thing, RecordAction) and not permission:
        yield f"{what} has no permission, so that everybody could press it"
    if isinstance(thing, PluginUrl) and thing.public and permission:
        yield f"{what} is public and wants a permission; it can only be one of the two"
    for role in getattr(thing, "roles", ()):
        if role not in ROLES:
            yield f"{what} is for the role {role!r}; there are {', '.join(ROLES)}"
