"""The table of goals: what is measured for each, and whether it is met."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import candidates as who
from bench.contest import Result, Spread, Standing, rounds, say
from bench.report import Row, times
from bench.rows import inside, memory, webhooks
from bench.stage import Stage

CPU_BOUND = "the portal's own Python is the limit here, on cores that it shares with test-bed and database"


@dataclass(frozen=True)
class Size:
    """How much of everything. ``short`` is for less than ten minutes."""

    orders: int
    rounds: int
    webhooks: int
    idle: int
    levels: int
    history: tuple[int, int]
    long: int


SHORT = Size(orders=400, rounds=2, webhooks=300, idle=10, levels=20_000, history=(1_000, 20_000), long=2_000)
FULL = Size(
    orders=4_000,
    rounds=5,
    webhooks=3_000,
    idle=100,
    levels=1_000_000,
    history=(10_000, 1_000_000),
    long=100_000,
)


def ratios(ours: Standing, theirs: Sequence[Standing], of: Callable[[Result], float]) -> Spread | None:
    """Ours to the best of theirs, round by round; the best is the greatest rate or the least CPU."""
    best = min if of is cpu else max
    beside = [each for each in theirs if len(each.results) == len(ours.results)]
    if not ours.results or not beside:
        return None
    return Spread.of(
        [
            of(result) / best(of(each.results[number]) for each in beside)
            for number, result in enumerate(ours.results)
        ]
    )


def rate(result: Result) -> float:
    return result.rate


def cpu(result: Result) -> float:
    return result.cpu


def contest(standings: Sequence[Standing]) -> list[Row]:
    by = {each.candidate.name: each for each in standings}
    queues, ours = [by[each.name] for each in who.QUEUES], by[who.PORTAL_REDIS.name]
    rows = [
        _ratio("orders, against the best queue with one task an order", ours, queues, rate, 4),
        _ratio("orders, against Celery", ours, [by[who.CELERY.name]], rate, 8),
        _ratio("CPU an order, against the best queue", ours, queues, cpu, 1 / 6),
    ]
    for portal, durable in (
        (who.PORTAL_LITE, who.DURABLE_LITE),
        (who.PORTAL_POSTGRES, who.DURABLE_POSTGRES),
    ):
        what = f"orders, against the durable ceiling: {portal.name}"
        rows.append(_ratio(what, by[portal.name], [by[durable.name]], rate, 0.5))
    return rows


def _ratio(
    what: str, ours: Standing, theirs: Sequence[Standing], of: Callable[[Result], float], goal: float
) -> Row:
    spread = ratios(ours, theirs, of)
    less = of is cpu
    text = f"{'≤' if less else '≥'} {'1/6' if less else f'{goal:g}'} ×"
    if spread is None:
        return Row(what, text, "", None, "one of them did not get through")
    met = spread.middle <= goal if less else spread.middle >= goal
    return Row(what, text, times(spread), met, CPU_BOUND)


def latency(stage: Stage, size: Size) -> list[Row]:
    """Remotes that take their time."""
    rows = []
    portal = who.portal("redis", in_flight=32, name="portal, 32 in flight")
    for milliseconds in (20, 50):
        found = rounds(stage, [who.CLIENT_32, portal], size.orders, size.rounds, latency=milliseconds / 1000)
        what = f"orders at {milliseconds} ms a call, 32 in flight, against the bare client"
        rows.append(_ratio(what, found[1], found[:1], rate, 0.8))
    return rows


def workers(stage: Stage, size: Size) -> list[Row]:
    """More workers, and a second host."""
    one, two, four = (who.portal("redis", workers=n, name=f"{n} workers") for n in (1, 2, 4))
    hosts = who.portal("redis", workers=1, hosts=2, name="2 hosts of 1 worker")
    found = rounds(stage, [one, two, four, hosts], size.orders, size.rounds)
    why = (
        "test-bed, database and both hosts share this machine's cores, of which one worker takes one already"
    )
    rows = []
    for standing in found[1:3]:
        spread = ratios(standing, found[:1], rate)
        if spread:
            rows.append(Row(f"{standing.candidate.name} against 1", "–", times(spread), met=True))
    spread = ratios(found[3], found[:1], rate)
    met = spread.middle >= 1.8 if spread else None
    rows.append(Row("2 worker hosts against 1", "≥ 1.8 ×", times(spread) if spread else "", met, why))
    return rows


def hearing(stage: Stage, size: Size) -> list[Row]:
    _, share = webhooks.accepted(stage, size.webhooks)
    rows = [
        Row(
            "webhook accepted, against an empty Django view, PostgreSQL",
            "≥ 0.6 ×",
            times(share),
            share.middle >= 0.6,
            "a webhook is proven, stored and committed: a transaction to disk each, and the ring",
        )
    ]
    for candidate, limit in ((who.PORTAL_REDIS, 150), (who.PORTAL_LITE, 400)):
        middle, late = webhooks.delivered(stage, candidate, size.idle)
        rows.append(
            Row(
                f"webhook in → delivered, idle: {candidate.name}",
                f"p50 ≤ {limit} ms, p99 ≤ 1 s",
                f"p50 {middle:.0f} ms, p99 {late:.0f} ms",
                middle <= limit and late <= 1000,
                "two rings through the queue, each of which a worker has to pick up",
            )
        )
    return rows


def comparing(stage: Stage, size: Size) -> list[Row]:
    rows = []
    for candidate in (who.PORTAL_LITE, who.PORTAL_POSTGRES):
        found = inside.measure(stage, "stock", candidate, size.levels)
        share, speed = found["hundredth"] / found["all"], found["size"] / found["hundredth"]
        rows.append(
            Row(
                f"stock check of {size.levels:,}, 1 % changed against all: {candidate.name}",
                "≤ 5 % of the time, ≥ 100,000 rows a second",
                f"{share:.0%}, {speed:,.0f} rows a second",
                share <= 0.05 and speed >= 100_000,
                "every level read is looked up and its reading noted, a page at a time",
            )
        )
    return rows


def growing(stage: Stage, size: Size) -> list[Row]:
    rows = []
    for candidate in (who.PORTAL_LITE, who.PORTAL_POSTGRES):
        short, long = (inside.measure(stage, "history", candidate, each)["seconds"] for each in size.history)
        rows.append(
            Row(
                f"incremental run, history {size.history[0]:,} → {size.history[1]:,}: {candidate.name}",
                "≤ 1.2 × the time",
                f"{long / short:.2f} ×",
                long / short <= 1.2,
                "deeper indices to write into",
            )
        )
    measured = memory.growth(stage, who.PORTAL_REDIS, size.long)
    change = measured[-1] / measured[2] - 1
    rows.append(
        Row(
            f"memory of the workers over {size.long:,} orders",
            "flat (± 10 %)",
            f"{measured[2]:.0f} → {measured[-1]:.0f} MB ({change:+.0%})",
            abs(change) <= 0.1,
            "see the run",
        )
    )
    return rows


def measure(stage: Stage, size: Size) -> tuple[list[Standing], list[Row]]:
    """Everything. A part that fails is a row that says so."""
    every = (*who.SCRIPTS, *who.QUEUES, who.PORTAL_LITE, who.PORTAL_POSTGRES, who.PORTAL_REDIS)
    standings = rounds(stage, every, size.orders, size.rounds)
    rows = contest(standings)
    for part in (latency, workers, hearing, comparing, growing):
        say(f"── {(part.__doc__ or part.__name__).strip()}")
        try:
            rows += part(stage, size)
        except Exception as error:  # an hour's other figures are not lost for one part's sake
            say(f"{type(error).__name__}: {error}")
            rows.append(Row(part.__name__, "", "", None, f"{error}".partition("\n")[0]))
    return standings, rows
