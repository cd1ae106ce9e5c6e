"""Names as people look for them: without case, accents and apostrophes, the same on every database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import filterfalse

_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘`´ʼ"))
_BETWEEN_WORDS = re.compile(r"[\W_]+")


def fold_name(text: str) -> str:
    """Words of plain letters and digits: ``"O’Brien-Müller"`` is ``"obrien muller"``."""
    letters = text.casefold().translate(_APOSTROPHES)
    if not letters.isascii():
        letters = unicodedata.normalize("NFKD", letters).translate(_PLAIN)
        letters = "".join(filterfalse(unicodedata.combining, letters))
    return _BETWEEN_WORDS.sub(" ", letters).strip()


def searchable(texts: Iterable[str]) -> str:
    """What names are found by, whether somebody types Müller, Muller or Mueller."""
    names = " ".join(dict.fromkeys(texts))
    spelled = [fold_name(names)]
    if not names.isascii():
        german = unicodedata.normalize("NFC", names).casefold().translate(_GERMAN)
        spelled.append(fold_name(german))
    return " ".join(dict.fromkeys(" ".join(spelled).split()))
