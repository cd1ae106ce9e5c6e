"""Realistic mistakes in a connector: each a small change to the good one, and what the contract says of it.

A defect is a class that is laid over `Orchard`; its docstring says what is wrong, `case` is the check that
has to reject it and `says` a piece of the sentence.
"""

from dataclasses import dataclass
from importlib import import_module

from tests.testing.contract.orchard import Orchard

FILES = ("declaring", "reading", "records", "trouble", "writing", "hearing", "spans")


@dataclass(frozen=True)
class Defect:
    wrong: str
    case: str
    says: str
    connector: type[Orchard]


_defects: list[Defect] = []


def rejected(case, says):
    """Register the class below as a defect."""

    def register(overlay):
        spoilt = type(overlay.__name__, (overlay, Orchard), {})
        _defects.append(Defect(overlay.__doc__, case, says, spoilt))
        return overlay

    return register


def defects() -> list[Defect]:
    for file in FILES:
        import_module(f"{__name__}.{file}")
    return _defects
