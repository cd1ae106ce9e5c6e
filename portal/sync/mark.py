"""Noticing that the database was set back: a mark in it grows, and a copy of the mark lies outside it.

Every host that sends anything has its own copy, in ``PORTAL_DATA_DIR``; any one of them is enough to
notice. It is compared before anything is sent, so that it does not matter how the restore was done.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from portal.sync import quarantine
from portal.sync.clock import db_now
from portal.sync.models import Mark

logger = logging.getLogger(__name__)

GROWS_EVERY = timedelta(seconds=1)
"""What is lost within one such span after the last sign of life may go unnoticed."""


def look() -> bool:
    """Compare the copy with the row: behind it, a quarantine begins, else both grow. Whether it was behind."""
    # The copy first: it is written after the row, so a row read later can only be behind by a restore.
    database, moment = _copy()
    row = this()
    behind = database == str(row.database) and moment > row.moment
    if behind:
        _set_back(row.pk, moment)
        row.refresh_from_db()
    elif abs(_micro(db_now()) - row.moment) > GROWS_EVERY // timedelta(microseconds=1):
        row = grow()
    if (database, moment) != (str(row.database), row.moment):
        _keep(row)
    return behind


def this() -> Mark:
    """The mark of this database, made where there is none."""
    return Mark.objects.order_by("pk").first() or Mark.objects.create(moment=_micro(db_now()))


def grow() -> Mark:
    """Let the mark grow to now, or by the smallest step where the clock is behind it."""
    with transaction.atomic():
        row = Mark.objects.select_for_update().get(pk=this().pk)
        row.moment = max(row.moment + 1, _micro(db_now()))
        row.save(update_fields=["moment"])
    return row


def moment_of(micro: int) -> datetime:
    return datetime.fromtimestamp(micro / 1_000_000, UTC)


def _set_back(pk: int, moment: int) -> None:
    """Begin the quarantine, unless another process has done so in this instant."""
    with transaction.atomic():
        row = Mark.objects.select_for_update().get(pk=pk)
        if moment <= row.moment:
            return
        remembered, known = moment_of(row.moment), moment_of(moment)
        how = f"The database is older than what {socket.gethostname()} remembers of it"
        logger.error("%s: it was set back from %s to %s. Quarantine begins.", how, known, remembered)
        quarantine.begin(how, remembered=remembered, known=known)
        row.moment = max(moment + 1, _micro(db_now()))
        row.save(update_fields=["moment"])


def _path() -> Path:
    return Path(settings.DATA_DIR) / "mark.json"


def _copy() -> tuple[str, int]:
    """The copy; one that is missing or unreadable knows nothing."""
    try:
        kept = json.loads(_path().read_text(encoding="ascii"))
        return str(kept["database"]), int(kept["moment"])
    except (OSError, ValueError, LookupError, TypeError):
        return "", 0


def _keep(row: Mark) -> None:
    draft = _path().with_name(f".{_path().name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps({"database": str(row.database), "moment": row.moment}), encoding="ascii")
        draft.replace(_path())
    except OSError as error:
        _complain(
            f"The mark of the database cannot be kept, so a restore may go unnoticed on this host: {error}"
        )


@cache
def _complain(said: str) -> None:
    """Once for each process: it is tried again every second."""
    logger.error(said)


def _micro(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)
