"""What a plugin shows: panels and actions on record pages, tiles on the dashboard, pages of its own.

A plugin says what is to be seen, the portal draws it, so that it looks like the rest. Every ``permission`` is
either the name of one of the plugin's own (see ``register_permissions``) or a full Django permission such as
``"records.view_order"``; empty means everybody who may see the page that it stands on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from portal.sdk.subjects import RecordKind

PageKind = Literal[RecordKind, "connection", "case"]
"""The kinds of page that panels and actions can stand on."""

Tone = Literal["", "good", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence or two of plain text; ``tone`` makes it stand out."""

    body: str
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class Values:
    """Labels with their values, in order. An empty value shows as a dash; moments, ``Money`` and ``Decimal`` look as
    they do everywhere in the portal."""

    pairs: Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """A small table; ``empty`` is the sentence that stands in for no rows. Heads that end in ``#`` are numbers.

    Each row has one cell for each head, drawn as in :class:`Values`.
    """

    heads: Sequence[str]
    rows: Sequence[Sequence[Any]]
    empty: str = "Nothing yet."


Block = Text | Values | Table


@dataclass(frozen=True, slots=True)
class RecordPanel:
    """A box on the pages of these ``kinds``.

    ``show(subject=…)`` is called whenever such a page is opened and returns the blocks to be seen; of none the box
    is left out. The subject of a record's page is a :class:`~portal.sdk.subjects.Subject`, of a ``"connection"`` its
    ``ConnectionInfo``, of a ``"case"`` its ``CaseInfo``.
    """

    name: str
    title: str
    kinds: tuple[PageKind, ...]
    show: Callable[..., Iterable[Block]]
    permission: str = ""


@dataclass(frozen=True, slots=True)
class RecordAction:
    """A button on the pages of these ``kinds`` and an action on their lists. ``permission`` is not empty.

    ``run(subject=…, by=…)`` is called with the same subject as a panel's and the person's name while they wait, so that
    what takes longer than a second belongs into a job. It returns a sentence for them. Of the
    errors of :mod:`portal.sdk.errors` they read the message. ``question``, where given, is asked first.
    """

    name: str
    title: str
    kinds: tuple[PageKind, ...]
    run: Callable[..., str]
    permission: str
    question: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing to be seen at a glance: ``value`` is large, ``label`` says what it counts.

    ``link`` is an address within the portal (``/admin/…`` or ``/plugins/…``).
    """

    value: str | int
    label: str = ""
    tone: Tone = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A box on the dashboard. ``show()`` is called whenever the dashboard is, and returns its figures.

    Of none the tile is left out. Two queries are plenty.
    """

    name: str
    title: str
    show: Callable[[], Iterable[Figure]]
    permission: str = ""


@dataclass(frozen=True, slots=True)
class PluginUrl:
    """A page of a plugin's own, at ``/plugins/<plugin>/<route>``; ``reverse("<plugin>:<name>")`` names it.

    ``route`` is as for Django's ``path`` (``"labels/<int:pk>/"``); ``view`` is a Django view, or where to find
    one (``"portal_acme.views.label"``), which is imported when the page is first asked for. Only staff come
    in, and of them those who have the ``permission``, unless ``public`` says that everybody may.
    """

    route: str
    view: Callable[..., Any] | str
    name: str
    permission: str = ""
    public: bool = False
