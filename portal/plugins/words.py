"""A plugin's error as part of a sentence."""


def in_words(error: BaseException) -> str:
    """On one line and without its full stop; a call of `sys.exit` is named as that."""
    if isinstance(error, SystemExit):
        return f"it called sys.exit({error.code!r})"
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
