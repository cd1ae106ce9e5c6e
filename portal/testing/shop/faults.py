"""Trouble on demand: which call meets which fault, decided by a seeded die or by a script.

The random faults of one seed come in the same order for the same calls. Every fault dealt is counted, so
that a test can show that the trouble it survived was really there.
"""

import random
import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass, field, fields
from typing import Any

Json = dict[str, Any]

CALL_KINDS = (
    "latency",  # the answer comes late
    "throttled",  # 429 with Retry-After in seconds
    "throttled_until",  # 429 with Retry-After as a date
    "error_before",  # 503, nothing done
    "error_after",  # 500, yet the work was done
    "reset_before",  # connection reset, nothing done
    "reset_after",  # connection reset, yet the work was done
    "truncated",  # done, half of the answer
    "malformed",  # done, the answer is no JSON
    "html",  # 502, done, a proxy's page instead of the answer
)
SCRIPTED_KINDS = (
    *CALL_KINDS,
    "login_page",
)  # 200, nothing done: only a person can mend that, so never by dice
WEBHOOK_KINDS = ("doubled", "late", "reordered", "dropped", "forged")


@dataclass(frozen=True)
class Plan:
    """How much trouble: rates between 0 and 1, kinds to choose from, times in seconds.

    ValueError for a kind that does not exist.
    """

    rate: float = 0.0
    kinds: tuple[str, ...] = CALL_KINDS
    webhook_rate: float = 0.0
    webhook_kinds: tuple[str, ...] = WEBHOOK_KINDS
    seed: int = 1
    latency: float = 0.5
    webhook_delay: float = 2.0
    retry_after: int = 1

    def __post_init__(self) -> None:
        for chosen, all_kinds in ((self.kinds, CALL_KINDS), (self.webhook_kinds, WEBHOOK_KINDS)):
            if unknown := set(chosen) - set(all_kinds):
                raise ValueError(f"There are no faults {sorted(unknown)}; choose from {list(all_kinds)}.")

    @classmethod
    def read(cls, values: Json) -> "Plan":
        """A plan from JSON; lists become tuples. ValueError for an unknown name."""
        if unknown := set(values) - {each.name for each in fields(cls)}:
            raise ValueError(f"A fault plan has no {sorted(unknown)}.")
        plan: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**plan)


@dataclass(frozen=True)
class Scripted:
    """A fault for the next call that has this method and this text in its path."""

    kind: str
    method: str = ""
    path: str = ""


@dataclass
class Faults:
    """Deals faults; `counts` says how many of each kind, `calls` how many calls were asked about."""

    plan: Plan = field(default_factory=Plan)
    counts: Counter[str] = field(default_factory=Counter)
    calls: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._script: deque[Scripted] = deque()
        self.use(self.plan)

    def use(self, plan: Plan) -> None:
        """Change the plan; the dice start from its seed, the counts go on."""
        with self._lock:
            self.plan = plan
            self._call_dice = random.Random(f"calls {plan.seed}")  # noqa: S311 (repeatable, not secret)
            self._webhook_dice = random.Random(f"webhooks {plan.seed}")  # noqa: S311

    def next(self, kind: str, *, method: str = "", path: str = "", times: int = 1) -> None:
        """Script a fault for the next fitting calls, before any dice. ValueError for an unknown kind."""
        if kind not in SCRIPTED_KINDS:
            raise ValueError(f"There is no fault {kind!r}; choose from {list(SCRIPTED_KINDS)}.")
        with self._lock:
            self._script.extend([Scripted(kind, method, path)] * times)

    def for_call(self, method: str, path: str) -> str | None:
        """The fault this call meets, or None."""
        with self._lock:
            self.calls += 1
            for scripted in self._script:
                if scripted.method in ("", method) and scripted.path in path:
                    self._script.remove(scripted)
                    return self._count(scripted.kind)
            return self._throw(self._call_dice, self.plan.rate, self.plan.kinds)

    def for_webhook(self) -> str | None:
        """The fault the next webhook meets, or None."""
        with self._lock:
            return self._throw(self._webhook_dice, self.plan.webhook_rate, self.plan.webhook_kinds)

    def report(self) -> Json:
        with self._lock:
            return {"plan": asdict(self.plan), "calls": self.calls, "injected": dict(self.counts)}

    def _throw(self, dice: random.Random, rate: float, kinds: tuple[str, ...]) -> str | None:
        if not kinds or dice.random() >= rate:
            return None
        return self._count(dice.choice(kinds))

    def _count(self, kind: str) -> str:
        self.counts[kind] += 1
        return kind
