"""Who takes part. Each does the same job: orders in pages of 250 → stored durably, mapped, de-duplicated → one
call each.

A candidate is a module with two roles, each a process: ``prepare`` makes its tables, ``go`` polls; beside them
run its workers. ``go`` says "ready", then polls on from where it stopped at every line that it reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Candidate:
    """``name`` as the table shows it. ``stack`` is "none", "sqlite", "postgres" or "redis" (both servers).

    ``workers`` are command lines behind ``python -m``; ``own`` stands in the environment of all its processes.
    Each order has ``targets`` effects, one in each ERP that it goes to.
    """

    name: str
    module: str
    stack: str
    workers: tuple[tuple[str, ...], ...] = ()
    own: dict[str, str] = field(default_factory=dict)
    group: str = ""
    targets: int = 1


STACKS = {"sqlite": "SQLite", "postgres": "PostgreSQL", "redis": "PostgreSQL + Redis"}
QCLUSTER = ("django", "qcluster")
_PROCRASTINATE = ("procrastinate", "-a", "bench.candidates.on_procrastinate.app", "worker", "-c", "4")


def portal(
    stack: str, *, workers: int = 2, hosts: int = 1, in_flight: int = 8, targets: int = 1, name: str = ""
) -> Candidate:
    """The portal's own processes; each host has a cluster of its own."""
    return Candidate(
        name or f"portal, {STACKS[stack]}",
        "bench.portal",
        stack,
        workers=(*[QCLUSTER] * hosts, ("django", "pump")),
        own={
            "DJANGO_SETTINGS_MODULE": "bench.portal.settings",
            "PORTAL_WORKERS": str(workers),
            "BENCH_IN_FLIGHT": str(in_flight),
            "BENCH_TARGETS": str(targets),
        },
        group="portal",
        targets=targets,
    )


def script(name: str, kind: str, *, stack: str = "none", in_flight: int = 1) -> Candidate:
    own = {"BENCH_KIND": kind, "BENCH_IN_FLIGHT": str(in_flight)}
    return Candidate(name, "bench.candidates.script", stack, own=own, group="script")


def queue(name: str, module: str, *workers: tuple[str, ...], stack: str = "redis") -> Candidate:
    own = {"DJANGO_SETTINGS_MODULE": "bench.candidates.project.settings"}
    return Candidate(name, f"bench.candidates.{module}", stack, workers, own=own, group="queue")


BARE = script("bare script, requests, one connection", "requests")
CLIENT_8 = script("bare client, 8 in flight", "client", in_flight=8)
CLIENT_32 = script("bare client, 32 in flight", "client", in_flight=32)
DURABLE_LITE = script("durable script, SQLite", "durable", stack="sqlite", in_flight=8)
DURABLE_POSTGRES = script("durable script, PostgreSQL", "durable", stack="postgres", in_flight=8)
SCRIPTS = (BARE, CLIENT_8, CLIENT_32, DURABLE_LITE, DURABLE_POSTGRES)

DJANGO_Q2 = queue("django-q2", "on_djangoq", QCLUSTER)
HUEY = queue(
    "Huey",
    "on_huey",
    ("huey.bin.huey_consumer", "bench.candidates.on_huey.huey", "-w", "2", "-k", "process", "-q"),
)
CELERY = queue(
    "Celery + Redis",
    "on_celery",
    ("celery", "-A", "bench.candidates.on_celery", "worker", "-c", "2", "-l", "ERROR"),
)
DRAMATIQ = queue(
    "Dramatiq", "on_dramatiq", ("dramatiq", "bench.candidates.on_dramatiq", "-p", "2", "-t", "4")
)
PROCRASTINATE = queue("Procrastinate", "on_procrastinate", _PROCRASTINATE, _PROCRASTINATE, stack="postgres")
QUEUES = (DJANGO_Q2, HUEY, CELERY, DRAMATIQ, PROCRASTINATE)

PORTAL_LITE, PORTAL_POSTGRES, PORTAL_REDIS = (portal(stack) for stack in STACKS)
