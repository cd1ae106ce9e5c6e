"""How the shop says no."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Refused(Exception):
    """The shop will not do it: HTTP status, a sentence, and facts that help (such as the current stock)."""

    status: int
    message: str
    detail: dict[str, Any] = field(default_factory=dict)
