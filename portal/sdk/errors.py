"""Errors named by what happens next.

A connector raises one of these; the engine acts on the class alone. Each carries a sentence for the
person who reads it: what happened, to what, and what to do. Anything else that escapes a connector is a
bug in it: the operation is parked with the traceback's last line, counted, and shown.
"""

from __future__ import annotations

from datetime import timedelta


class PortalError(Exception):
    """The root of what a connector may raise.

    ``message`` says what happened and to what; ``mend`` says what a person can do about it (may be empty).
    ``whole_connection`` says that every call of this connection would fail now.
    """

    whole_connection: bool = False

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.message} {self.mend}".strip()


class RetryLater(PortalError):
    """Nothing was done at the remote; the same call may succeed after ``after`` (or the engine's back-off).

    ``whole_connection`` is for what is not about this one call: a rate limit, a remote that is down.
    """

    def __init__(
        self,
        message: str,
        *,
        after: timedelta | None = None,
        whole_connection: bool = False,
        mend: str = "",
    ) -> None:
        super().__init__(message, mend=mend)
        self.after = after
        self.whole_connection = whole_connection


class MustWait(RetryLater):
    """No call was made: the connection's rate allows the next one only after ``after``. Nothing is wrong."""

    after: timedelta

    def __init__(self, message: str, *, after: timedelta) -> None:
        super().__init__(message, after=after, whole_connection=True)


class SkipRecord(PortalError):
    """One record cannot pass until a person mends something; the others go on.

    ``cause`` is a short stable code such as ``totals-differ`` that groups equal troubles into one case.
    """

    def __init__(self, message: str, *, cause: str = "refused", mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.cause = cause


class NotFound(SkipRecord):
    """The remote says that it has no such object."""

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message, cause="not-found", mend=mend)


class Misconfigured(PortalError):
    """Nothing can work until a person mends the connection: wrong password, wrong address, missing right."""

    whole_connection = True


class ReadAgain(PortalError):
    """Compare-and-set refused: the remote has changed since we looked. ``current`` is what it says now."""

    def __init__(self, message: str, *, current: str = "", mend: str = "") -> None:
        super().__init__(message, mend=mend)
        self.current = current


class OutcomeUnknown(PortalError):
    """The remote may or may not have done it: a lost answer, a reset, an answer that cannot be read."""


class Forged(PortalError):
    """A webhook whose signature, time stamp or shape does not prove that the remote sent it."""
