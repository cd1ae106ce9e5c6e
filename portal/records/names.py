"""Names as people look for them: without case, accents and apostrophes, the same on every database."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_APOSTROPHES = "'’‘`´ʼ"


def fold_name(text: str) -> str:
    """Words of plain letters and digits: ``"O’Brien-Müller"`` is ``"obrien muller"``."""
    small = text.casefold().translate(dict.fromkeys(map(ord, _APOSTROPHES)))
    letters = unicodedata.normalize("NFKD", small).translate(_PLAIN)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join("".join(each if each.isalnum() else " " for each in plain).split())


def searchable(texts: Iterable[str]) -> str:
    """What names are found by, whether somebody types Müller, Muller or Mueller."""
    names = " ".join(texts)
    spelled = [fold_name(names), fold_name(unicodedata.normalize("NFC", names).casefold().translate(_GERMAN))]
    return " ".join(dict.fromkeys(" ".join(spelled).split()))
