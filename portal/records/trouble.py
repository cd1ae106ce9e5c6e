from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person has to decide or mend.

    Equal ``key`` is equal trouble and becomes one case with one mending step; ``subject`` names what it
    holds up, the same each time it is met.
    """

    cause: str
    key: str
    title: str
    mend: str
    subject: str
    label: str
    message: str
    operation_id: int | None = None
