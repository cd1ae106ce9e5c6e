"""The crash points: every function of the engine's rooms that the story walks through, and every COMMIT.

None is written down anywhere. A new function in ``portal.sync`` or ``portal.records`` is a point by itself; when the
story does not come by, `test_points.py` fails until it does, or until the function stands among the exempt.
"""

from __future__ import annotations

import pkgutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from itertools import count as endless
from types import FrameType, FunctionType

from django.db.backends.base.base import BaseDatabaseWrapper

import portal.records
import portal.sync
from portal.testing.crashpoints import Moment, functions
from portal.testing.processes import die

ROOMS = (portal.sync, portal.records)
COMMIT = "COMMIT of "

BY_HAND = "a person does it, in one transaction, and sees on the screen whether it went through"
ASKS = "it only reads"
WAITS = "a busy remote leads to a wait and to no step of its own; tests/sync/test_deliver.py and test_jobs.py"
POISON = "it is for what ends its worker; the row `poison` kills workers there"
RESTORE = "it is for a restored database; the row `restore` breaks that off"
PLUGINS = "plugins are told and asked beside the walk, each call counted before it is made; tests/plugin_host"
RHYTHM = "it comes once in a while, whatever the day brings; tests/sync/test_jobs.py"
WEB = "it is the web's, before or after anything is stored; the row `webhooks` kills the web there"

COMPUTES = "it only computes; the step that calls it is a point"
TIES = "it is for what is not tied at once; tests/records/test_identity.py"
LARGE = "it is for more work than one worker does in a minute; tests/sync/test_lanes.py"
BACKFILL = "a backfill is asked for by a person and has a cursor of its own; tests/sync/test_backfill.py"
OUTAGE = "it is for a database that is away; the row `database` kills it"
CLEANS = "it takes away what is old or unwanted, in transactions of its own; tests/sync/test_retention.py"

EXEMPT = {
    "portal.records.identity._extra": COMPUTES,
    "portal.records.identity._folded": COMPUTES,
    "portal.records.identity._is_tied": TIES,
    "portal.records.identity._subject": TIES,
    "portal.records.identity._trouble": TIES,
    "portal.records.identity.fold": COMPUTES,
    "portal.records.identity.identify_waiting": TIES,
    "portal.records.matching": PLUGINS,
    "portal.records.plain._cleaned": COMPUTES,
    "portal.records.rows._array": COMPUTES,
    "portal.records.rows._element": COMPUTES,
    "portal.records.rows._pk": COMPUTES,
    "portal.records.subjects": PLUGINS,
    "portal.sync.alive": ASKS,
    "portal.sync.alone": POISON,
    "portal.sync.backfill": BACKFILL,
    "portal.sync.apps": "it is Django's start",
    "portal.sync.cases.close": BY_HAND,
    "portal.sync.choices._orphans": PLUGINS,
    "portal.sync.choices._refuse_offer": PLUGINS,
    "portal.sync.choices._refuse_route": PLUGINS,
    "portal.sync.choices.routes": PLUGINS,
    "portal.sync.deadlines": "it is a check at the start",
    "portal.sync.decide._wait": WAITS,
    "portal.sync.deliver._end_worker": POISON,
    "portal.sync.doors.ring_all": WAITS,
    "portal.sync.doors.ring_checks": "it is for what a person, or a later page, ties; tests/sync/test_stock.py",
    "portal.sync.doors.ring_inbox": "somebody rings for the inbox before the story's webhook; the row `webhooks`",
    "portal.sync.doors.ring_lanes": LARGE,
    "portal.sync.gaps": RHYTHM,
    "portal.sync.happenings": PLUGINS,
    "portal.sync.health.probe": BY_HAND,
    "portal.sync.health.trouble": WAITS,
    "portal.sync.health.wake": WAITS,
    "portal.sync.hooks.last_won_back": ASKS,
    "portal.sync.hooks.subscribe": BY_HAND,
    "portal.sync.inbox._known": ASKS,
    "portal.sync.inbox._statement": COMPUTES,
    "portal.sync.invariants": ASKS,
    "portal.sync.lanes.Share.call_help": LARGE,
    "portal.sync.leases.let_go": OUTAGE,
    "portal.sync.levels._new_level": "the first reading of a level, before the story begins",
    "portal.sync.levels.read_for_doubts_again": "it is for a reading that was broken off between pages; tests/sync/test_stock.py",
    "portal.sync.looking_up._bring": RESTORE,
    "portal.sync.mark": RESTORE,
    "portal.sync.mending": BY_HAND,
    "portal.sync.middleware": WEB,
    "portal.sync.notices": PLUGINS,
    "portal.sync.outage": OUTAGE,
    "portal.sync.outbox._grace": COMPUTES,
    "portal.sync.outbox.keep_leases": "it is for calls that take longer than ten seconds",
    "portal.sync.outbox.let_go": OUTAGE,
    "portal.sync.plugin_jobs": PLUGINS,
    "portal.sync.progress.Progress.expect": BACKFILL,
    "portal.sync.progress.Progress.say": BACKFILL,
    "portal.sync.pump._at_work": ASKS,
    "portal.sync.pump._kill_cluster": "the row `stalled`",
    "portal.sync.pump._send": RHYTHM,
    "portal.sync.purging": CLEANS,
    "portal.sync.quarantine": RESTORE,
    "portal.sync.refusals": WEB,
    "portal.sync.removal": CLEANS,
    "portal.sync.reread._failed": POISON,
    "portal.sync.reread._park": POISON,
    "portal.sync.reread.read_again": BY_HAND,
    "portal.sync.retention": CLEANS,
    "portal.sync.route._happened": COMPUTES,
    "portal.sync.route._is_open": COMPUTES,
    "portal.sync.route._perhaps_sent": COMPUTES,
    "portal.sync.route._rehearse": "a rehearsal sends nothing",
    "portal.sync.route._replaceable": COMPUTES,
    "portal.sync.route.hold_trouble": COMPUTES,
    "portal.sync.statistics": RHYTHM,
    "portal.sync.suspects": POISON,
    "portal.sync.switching": BY_HAND,
    "portal.sync.tasks._failed": WAITS,
    "portal.sync.tasks._waits": WAITS,
    "portal.sync.tell": PLUGINS,
    "portal.sync.unheard": RHYTHM,
    "portal.sync.views": WEB,
    "portal.sync.workers": ASKS,
}
"""Functions, or whole files, that the story need not come by, with the reason."""


@cache
def engine() -> dict[str, FunctionType]:
    """Every function of the engine by its name; found once, before any process is made that dies."""
    modules = [
        import_module(found.name)
        for room in ROOMS
        for found in pkgutil.walk_packages(room.__path__, f"{room.__name__}.")
        if not {"migrations", "management", "models"} & set(found.name.split("."))
    ]
    return functions(*modules)


def exempt(name: str) -> bool:
    return name in EXEMPT or any(name.startswith(f"{module}.") for module in EXEMPT)


@contextmanager
def commits() -> Iterator[Counter[str]]:
    """How often each function of the engine commits meanwhile, named ``COMMIT of <function>``."""
    counted: Counter[str] = Counter()
    commit = BaseDatabaseWrapper._commit

    def counting(connection: BaseDatabaseWrapper) -> None:
        counted[_committing(sys._getframe())] += 1
        commit(connection)

    BaseDatabaseWrapper._commit = counting  # type: ignore[method-assign]
    try:
        yield counted
    finally:
        BaseDatabaseWrapper._commit = commit  # type: ignore[method-assign]


def die_at_commit(name: str, moment: Moment, number: int) -> None:
    """From now on this process dies before, or after, that function's COMMIT of that number, counted from 1."""
    calls, commit = endless(1), BaseDatabaseWrapper._commit

    def dying(connection: BaseDatabaseWrapper) -> None:
        now = _committing(sys._getframe()) == name and next(calls) == number
        if now and moment == "before":
            die()
        commit(connection)
        if now:
            die()

    BaseDatabaseWrapper._commit = dying  # type: ignore[method-assign]


def _committing(frame: FrameType | None) -> str:
    """The innermost function of the engine that is at work."""
    rooms = tuple(f"{room.__name__}." for room in ROOMS)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith(rooms):
            return f"{COMMIT}{module}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return f"{COMMIT}something else"
