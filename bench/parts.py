"""The parts of the benchmark: each measures one thing, and returns the standings it has seen and its rows."""

from __future__ import annotations

from bench import candidates as who
from bench.contest import Spread, Standing, rounds, say
from bench.ratios import CPU_BOUND, cpu, row
from bench.report import Row, times
from bench.rows import inside, n8n, reading, webhooks
from bench.rows.memory import growth
from bench.size import Size
from bench.stage import Stage

Measured = tuple[list[Standing], list[Row]]

HOSTS = "test-bed, database and both hosts share this machine's cores, of which one worker takes one already"


def queues(stage: Stage, size: Size) -> Measured:
    """Scripts, one task an order on five queues, and the portal on three stacks."""
    every = (*who.SCRIPTS, *who.QUEUES, who.PORTAL_LITE, who.PORTAL_POSTGRES, who.PORTAL_REDIS)
    standings = rounds(stage, every, size.orders, size.rounds)
    by = {each.candidate.name: each for each in standings}
    theirs, ours = [by[each.name] for each in who.QUEUES], by[who.PORTAL_REDIS.name]
    rows = [
        row("orders, against the best queue with one task an order", ours, theirs, least=4),
        row("orders, against Celery", ours, [by[who.CELERY.name]], least=8),
        row("CPU an order, against the best queue", ours, theirs, cpu, most=1 / 6, goal="≤ 1/6 ×"),
    ]
    for portal, durable in (
        (who.PORTAL_LITE, who.DURABLE_LITE),
        (who.PORTAL_POSTGRES, who.DURABLE_POSTGRES),
    ):
        what = f"orders, against the durable ceiling: {portal.name}"
        rows.append(row(what, by[portal.name], [by[durable.name]], least=0.5))
    return standings, rows


def latency(stage: Stage, size: Size) -> Measured:
    """Remotes that take their time."""
    rows = []
    portal = who.portal("redis", in_flight=32, name="portal, 32 in flight")
    for milliseconds in (20, 50):
        seconds = milliseconds / 1000
        client, ours = rounds(stage, [who.CLIENT_32, portal], size.orders, size.few_rounds, latency=seconds)
        # Each call is in flight for as long as the remote takes, so the rate tells how many are at a time.
        flying = max((each.rate * seconds for each in ours.results), default=0)
        why = f"{flying:.0f} in flight on average; {CPU_BOUND}"
        what = f"orders at {milliseconds} ms a call, 32 in flight, against the bare client"
        rows.append(row(what, ours, [client], least=0.8, why=why))
    return [], rows


def workers(stage: Stage, size: Size) -> Measured:
    """More workers, and a second host."""
    one, two, four = (who.portal("redis", workers=n, name=f"{n} workers") for n in (1, 2, 4))
    both = who.portal("redis", workers=1, hosts=2, name="2 hosts of 1 worker")
    found = rounds(stage, [one, two, four, both], size.orders, size.few_rounds)
    rows = [row(f"{each.candidate.name} against 1", each, found[:1]) for each in found[1:3]]
    return [], [*rows, row("2 worker hosts against 1", found[3], found[:1], least=1.8, why=HOSTS)]


def hosts(stage: Stage, size: Size) -> Measured:
    """A second host where the remotes are the limit, not the cores."""
    one, two = (
        who.portal("redis", workers=1, hosts=n, in_flight=4, targets=2, name=f"{n} hosts, two slow ERPs")
        for n in (1, 2)
    )
    first, second = rounds(stage, [one, two], size.slow_orders, size.few_rounds, latency=0.05)
    what = "2 worker hosts against 1, two ERPs at 50 ms a call with 4 in flight each: the cores are not the limit"
    return [], [row(what, second, [first], least=1.8, why="each host should serve one of the two ERPs")]


def beside_n8n(stage: Stage, size: Size) -> Measured:
    """n8n: poll → split → HTTP, and webhook → HTTP."""
    n8n.install()
    polled = n8n.polled(stage, size.n8n_orders, size.few_rounds)
    heard = n8n.heard(stage, size.n8n_orders, size.few_rounds)
    return polled[1:], [
        row("orders, against n8n doing the same: poll → split → HTTP", polled[0], polled[1:], least=10),
        row("webhooks in → delivered, against n8n: webhook → HTTP", heard[0], heard[1:], least=10),
    ]


def beside_dlt(stage: Stage, size: Size) -> Measured:
    """dlt: reading and storing alone."""
    ours, dlt = reading.beside_dlt(stage, size.orders, size.few_rounds)
    what = "read and stored in PostgreSQL, nothing delivered, against dlt"
    return [], [row(f"orders {what}", ours, [dlt]), row(f"CPU an order {what}", ours, [dlt], cpu)]


def hearing(stage: Stage, size: Size) -> Measured:
    """Webhooks: accepting them, and until what one tells is delivered."""
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
    return [], rows


def stock(stage: Stage, size: Size) -> Measured:
    """The stock check, by how much has changed."""
    rows = []
    for candidate in (who.PORTAL_LITE, who.PORTAL_POSTGRES):
        found = inside.measure(stage, "stock", candidate, size.levels)
        share = Spread.of([seconds / found["all"] for seconds in found["hundredth"]])
        speed = Spread.of([found["size"] / seconds for seconds in found["hundredth"]])
        rows.append(
            Row(
                f"stock check of {size.levels:,}, 1 % changed against all (reckoned from a tenth): {candidate.name}",
                "≤ 5 % of the time, ≥ 100,000 rows a second",
                f"{share:.1%}, {speed:,.0f} rows a second",
                share.middle <= 0.05 and speed.middle >= 100_000,
                "reading, which is JSON and the SDK's records of it, costs as much as the database's comparison, or more",
            )
        )
    return [], rows


def history(stage: Stage, size: Size) -> Measured:
    """Runs upon a short and a long history, and the plans of what they ask of it."""
    rows = []
    for candidate in (who.PORTAL_LITE, who.PORTAL_POSTGRES):
        short, long = (inside.measure(stage, "history", candidate, each) for each in size.history)
        slower = Spread.of([b / a for a, b in zip(short["seconds"], long["seconds"], strict=True)])
        scans = long["scans"]
        for scan in scans:
            say(scan)
        rows += [
            Row(
                f"incremental run, history {size.history[0]:,} → {size.history[1]:,}: {candidate.name}",
                "≤ 1.2 × the time",
                times(slower),
                slower.middle <= 1.2,
                "deeper indices to write into",
            ),
            Row(
                f"hot queries that read a table of {size.history[1]:,} from end to end: {candidate.name}",
                "0",
                f"{len(scans)} of {long['statements']}",
                not scans,
                "; ".join(scan.partition(" in ")[0] for scan in scans),
            ),
        ]
    return [], rows


def memory(stage: Stage, size: Size) -> Measured:
    """The memory of the workers in one long go."""
    measured = growth(stage, who.PORTAL_REDIS, size.long)
    change = measured[-1] / measured[2] - 1
    least, most = min(measured[2:]), max(measured[2:])
    figure = f"{measured[2]:.0f} → {measured[-1]:.0f} MB ({least:.0f}–{most:.0f}), {change:+.0%}"
    what = f"memory of the workers over {size.long:,} orders"
    return [], [Row(what, "flat (± 10 %)", figure, abs(change) <= 0.1, "see the run")]
