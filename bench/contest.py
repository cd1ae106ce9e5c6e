"""One run of one candidate, measured; and rounds of runs, so that all meet the same weather."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median

from bench.candidates import Candidate
from bench.gauge import Cpu, Meter, memory_mb
from bench.stage import ROOT, Stage, end, environment

WARM_UP = 60
"""Orders sent before the clock starts: every process has loaded what it needs."""

STALL = 60.0
"""Seconds without an effect after which a run is given up."""


@dataclass(frozen=True)
class Result:
    """Of one run. ``rate`` is deliveries a second."""

    rate: float
    cpu: Cpu
    memory: float
    lost: int
    doubled: int


@dataclass
class Standing:
    """A candidate's results, round by round; or why there are none."""

    candidate: Candidate
    results: list[Result] = field(default_factory=list)
    failure: str = ""


@dataclass(frozen=True)
class Spread:
    """The median with the least and the most."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median(values), min(values), max(values))

    def __format__(self, form: str) -> str:
        """The median with the least and the most beside it, each in this form."""
        return f"{self.middle:{form}} ({self.least:{form}}–{self.most:{form}})"


class Stalled(Exception):
    """A candidate did not get through; the message says how far it came, and what it said."""


@dataclass
class Running:
    """A candidate at work: the process that polls, all its pids, its environment."""

    go: subprocess.Popen[str]
    pids: list[int]
    own: dict[str, str]

    def push(self) -> None:
        """Poll now. Raises ``Stalled``."""
        assert self.go.stdin is not None, "it was asked for"
        try:
            self.go.stdin.write("go\n")
            self.go.stdin.flush()
        except BrokenPipeError:
            raise Stalled("It had ended before it was to poll.") from None


@contextmanager
def running(stage: Stage, candidate: Candidate, *, idle: bool = False) -> Iterator[Running]:
    """The candidate's processes, ready to go; ``idle`` leaves its workers out. Raises ``Stalled``."""
    with ExitStack() as stack:
        place = stage.directory()
        own = _environment(stage, candidate, str(place), stack)
        log = stack.enter_context((place / "log").open("w+"))

        def start(*words: str, **pipes: int) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", *words]
            process = subprocess.Popen(command, cwd=ROOT, env=own, stderr=log, text=True, **pipes)
            stack.callback(end, process)
            return process

        try:
            if start(candidate.module, "prepare").wait(600):
                raise Stalled("It could not be prepared.")
            workers = [] if idle else [start(*words, stdout=log.fileno()) for words in candidate.workers]
            go = start(candidate.module, "go", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if go.stdout is None or go.stdout.readline().strip() != "ready":
                raise Stalled("It did not come up.")
            yield Running(go, [go.pid, *(each.pid for each in workers)], own)
        except Stalled as stalled:
            log.seek(0)
            raise Stalled(f"{stalled} It said: {log.read()[-1500:]}") from None


def _environment(stage: Stage, candidate: Candidate, place: str, stack: ExitStack) -> dict[str, str]:
    stage.empty_redis()
    if candidate.stack in ("postgres", "redis"):
        database = stage.database()
        stack.callback(stage.drop, database)
    else:
        database = f"sqlite:///{place}/portal.sqlite3"
    extra = {
        "BENCH_URL": stage.url,
        "BENCH_REDIS": stage.redis_socket,
        "BENCH_DATABASE": database.removeprefix("sqlite:///"),
    }
    if candidate.group == "portal":
        extra |= {
            "PORTAL_ENV_FILE": f"{place}/none",
            "PORTAL_DATA_DIR": place,
            "PORTAL_SECRET_KEY": "bench",
            "PORTAL_CREDENTIAL_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            "PORTAL_LOG_LEVEL": "WARNING",
            "DATABASE_URL": database,
        }
        if candidate.stack == "redis":
            extra["REDIS_URL"] = f"unix://{stage.redis_socket}"
    return environment(**extra, **candidate.own)


def run(stage: Stage, candidate: Candidate, orders: int, *, latency: float = 0.0) -> Result:
    """Raises ``Stalled``."""
    stage.ask("/reset", {"orders": WARM_UP, "latency": latency})
    with running(stage, candidate) as its:
        its.push()
        until(stage, WARM_UP * candidate.targets)
        time.sleep(0.5)
        stage.ask("/reset", {"orders": WARM_UP + orders, "latency": latency})
        meter, wanted = Meter(its.pids, stage.server_pids), orders * candidate.targets
        its.push()
        until(stage, wanted)
        time.sleep(0.3)
        cpu, log = meter.each(wanted), stage.ask("/log")
        return Result(
            rate=wanted / (log["ended"] - log["began"]),
            cpu=cpu,
            memory=memory_mb(its.pids),
            lost=wanted - log["done"],
            doubled=log["doubled"],
        )


def until(stage: Stage, count: int, *, look: float = 0.05) -> None:
    """Wait for so many effects, looking every so many seconds. Raises ``Stalled``."""
    seen, moved = -1, time.monotonic()
    while (done := stage.ask("/log")["done"]) < count:
        if done > seen:
            seen, moved = done, time.monotonic()
        elif time.monotonic() - moved > STALL:
            raise Stalled(f"{done} of {count} orders arrived, and no more for {STALL:g} seconds.")
        time.sleep(look)


def rounds(
    stage: Stage, candidates: Sequence[Candidate], orders: int, count: int, *, latency: float = 0.0
) -> list[Standing]:
    """Everybody once a round, in turn."""
    return in_turns(candidates, count, lambda each: run(stage, each, orders, latency=latency))


def in_turns(
    candidates: Sequence[Candidate], count: int, measure: Callable[[Candidate], Result]
) -> list[Standing]:
    """``measure`` of everybody once a round. Who fails is left out of the rest, and says why."""
    standings = [Standing(candidate) for candidate in candidates]
    for number in range(1, count + 1):
        for standing in standings:
            if standing.failure:
                continue
            name = standing.candidate.name
            try:
                result = measure(standing.candidate)
            except Stalled as stalled:
                standing.failure = str(stalled)
                say(f"{name}: {stalled}")
                continue
            standing.results.append(result)
            wrong = f", {result.lost} LOST, {result.doubled} DOUBLED" if result.lost or result.doubled else ""
            say(
                f"round {number}: {name}: {result.rate:.0f} a second, {result.cpu.total:.2f} ms of CPU{wrong}"
            )
    return standings


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
