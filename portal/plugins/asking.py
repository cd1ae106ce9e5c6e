"""Asking the `decide_…` hooks: every plugin once for a whole page, the first answer to a record counts."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from django.db import transaction

from portal.plugins.calls import limited, timed
from portal.plugins.failures import record
from portal.plugins.manager import FOREIGN, Implementation, plugins
from portal.plugins.words import in_words
from portal.sdk import hooks

A = TypeVar("A")


@dataclass(frozen=True, slots=True)
class Decided(Generic[A]):
    """One answer and the plugin that gave it."""

    plugin: str
    answer: A


def deciders(hook: str) -> list[Implementation]:
    """Who is asked. Without any there is nothing to prepare: a caller looks here first."""
    return plugins().implementations(hook)


def ask(
    hook: str,
    asked: Collection[str],
    refuse: Callable[[Any], str],
    *,
    off: Collection[str],
    **arguments: Any,
) -> dict[str, Decided[Any]]:
    """The first answers, by the ``external_id`` of what was ``asked``.

    ``refuse`` says in a sentence why an answer does not count, or nothing; ``off`` are the plugins that are not
    asked now. Whatever a plugin does wrong is recorded once the caller's transaction is committed, and none of
    its answers to this page count.
    """
    decided: dict[str, Decided[Any]] = {}
    for decider in deciders(hook):
        if decider.plugin in off or len(decided) == len(asked):
            continue
        try:
            found = _answers(decider, asked, refuse, arguments)
        except FOREIGN as error:
            why = str(error) if isinstance(error, Refused) else f"it failed: {in_words(error)}"
            said = f"Its hook {hook}, asked about {len(asked)}: {why}. The portal decided by itself."
            transaction.on_commit(partial(record, decider.plugin, said), robust=True)
            continue
        for external_id, answer in found.items():
            decided.setdefault(external_id, Decided(decider.plugin, answer))
    return decided


class Refused(ValueError):
    """An answer that does not count, and why."""


def _answers(
    decider: Implementation,
    asked: Collection[str],
    refuse: Callable[[Any], str],
    arguments: dict[str, Any],
) -> dict[str, Any]:
    """All that one plugin answered; a query of its own that fails breaks off its answers, not our transaction."""
    found: dict[str, Any] = {}
    doing = f"The hook {decider.hook}, asked about {len(asked)},"
    with transaction.atomic(), timed(decider.plugin, doing), limited(hooks.DECISION_SECONDS):
        for answer in decider(**arguments):
            why = _about(answer, asked) or refuse(answer)
            if why:
                raise Refused(why)
            found.setdefault(answer.external_id, answer)
    return found


def _about(answer: Any, asked: Collection[str]) -> str:
    external_id = getattr(answer, "external_id", None)
    if not isinstance(external_id, str):
        return f"it answered {answer!r}, which does not name a record by its external_id"
    return "" if external_id in asked else f"it answered for {external_id!r}, which was not asked for"
