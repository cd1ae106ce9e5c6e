"""A plugin's error as part of a sentence."""

from django_q.exceptions import TimeoutException


class TookTooLong(SystemExit):
    """Raised inside a plugin's code that has used up its time. No `except Exception` in it holds this up."""


def in_words(error: BaseException) -> str:
    """On one line and without its full stop; a call of `sys.exit` is named as that."""
    if isinstance(error, TookTooLong | TimeoutException):
        # django-q2 ends a task that outlives its worker's patience in this way.
        return f"it did not come to an end: {error}".rstrip(". ")
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
