"""How much of everything is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """``few_rounds`` is for what is measured beside the contest itself, ``slow_orders`` for slow remotes,
    ``n8n_orders`` for n8n, which holds all that it reads in memory at once, ``webhooks`` for each turn."""

    orders: int
    rounds: int
    few_rounds: int
    slow_orders: int
    n8n_orders: int
    webhooks: int
    idle: int
    levels: int
    history: tuple[int, int]
    long: int


SHORT = Size(
    orders=400,
    rounds=2,
    few_rounds=2,
    slow_orders=100,
    n8n_orders=400,
    webhooks=100,
    idle=10,
    levels=20_000,
    history=(1_000, 20_000),
    long=2_000,
)
"""For less than ten minutes."""

FULL = Size(
    orders=4_000,
    rounds=3,
    few_rounds=2,
    slow_orders=600,
    n8n_orders=1_000,
    webhooks=500,
    idle=40,
    levels=1_000_000,
    history=(10_000, 1_000_000),
    long=100_000,
)
"""For less than 45 minutes on two cores."""
