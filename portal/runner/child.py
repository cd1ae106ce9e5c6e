"""What a child process is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Child:
    """One process that the runner keeps alive.

    `env` is added to the runner's own environment. `drain` is how many seconds the process gets to finish
    its work after SIGTERM, before it and all that it started are killed.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    drain: float = 20.0
