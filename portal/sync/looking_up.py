"""What became of a change whose answer was lost, or which a restored database may have forgotten."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from portal.sdk import Change, Connector, OutcomeUnknown, ReadAgain, Receipt, RetryLater
from portal.sdk.capabilities import PullsStock
from portal.sdk.connector import Promise
from portal.sync.decide import Absent, Result
from portal.sync.models import Operation

HARMLESS = (Promise.IDEMPOTENCY_KEY, Promise.ABSOLUTE)
"""A repeat has no second effect, so a lost answer needs no question. After a restore it does: keys lapse."""

FORGOTTEN_INTENTS = 4
"""How many earlier and later versions of a record are looked for, which may have been sent in its place."""


def look_up(connector: Connector, operation: Operation, change: Change[Any]) -> Result:
    """Ask the remote, as far as its promise allows to tell. Raises what the connector raises.

    A figure of stock is not written again: it may have arrived and been sold down to what was there
    before, and the condition would hold a second time. It is read anew, where it can be read.
    """
    if operation.kind == "stock" and isinstance(connector, PullsStock):
        raise ReadAgain("Nobody knows whether the figure was written; it is read anew.")
    find = getattr(connector, f"find_{operation.kind}", None)
    harmless = operation.promise in HARMLESS
    if operation.promise == Promise.NOTHING or (find is None and not harmless):
        return OutcomeUnknown(f"{operation.connection} cannot be asked whether it has done this.")
    if change.remote_id and operation.look_up_first:
        return _bring(connector, operation, change, change.remote_id)
    if change.remote_id or find is None or (harmless and not operation.look_up_first):
        return Absent()
    for key in _keys(operation):
        if there := find(replace(change, key=key)):
            # It may be a forgotten, older version of the order.
            older = operation.look_up_first and operation.kind == "order"
            return _bring(connector, operation, change, there.remote_id) if older else there
    return Absent()


def _bring(connector: Connector, operation: Operation, change: Change[Any], remote_id: str) -> Receipt:
    """Bring what the remote has to the present state, which is repeatable.

    Under a key that was never used: the operation's own may have been, for another change that we forgot, and a remote
    that knows keys would do nothing.
    """
    anew = replace(change, key=f"{change.key}~{time.time_ns()}", remote_id=remote_id)
    try:
        return getattr(connector, f"push_{operation.kind}")(anew)  # type: ignore[no-any-return]
    except OutcomeUnknown as error:
        raise RetryLater(str(error)) from error


def _keys(operation: Operation) -> list[str]:
    """Its own key first; where a restore made us forget, those of its record's neighbouring versions too."""
    if not operation.look_up_first:
        return [operation.op_key]
    own, stem = operation.intent, operation.op_key.rpartition(":")[0]
    near = range(max(1, own - FORGOTTEN_INTENTS), own + FORGOTTEN_INTENTS + 1)
    return [f"{stem}:{intent}" for intent in sorted(near, key=lambda intent: abs(intent - own))]
