"""What the parts of this room say to each other."""

from __future__ import annotations

from datetime import UTC, datetime


class CannotBackUp(Exception):
    """Why no backup was made, as a sentence."""


class CannotRestore(Exception):
    """Why nothing was restored, as a sentence. The database is as it was."""


class Damaged(Exception):
    """A file is no backup, or not a whole one; says which."""


def stamp() -> str:
    """The moment now, as a part of names that sort by time."""
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")
