"""Six events of one order reach the portal in every order, each of them twice, while it sends on."""

from __future__ import annotations

import random
from itertools import permutations
from types import SimpleNamespace
from typing import Any

from django.db import transaction

from portal.plugins.manager import plugins
from portal.records.models import Order, Refund
from portal.sync.models import Operation
from tests.engine import House, connect
from tests.faults.row import Figure, Scale, row
from tests.faults.stack import Stack
from tests.toys import Remote, Toy, ToyErp, ToyShop, line, order, refund

EVENTS = [
    ("order", order(1)),
    ("order", order(1, 2, note="Ring twice")),
    ("order", order(1, 3, line(quantity=3, tax="5.70"), note="Ring twice")),
    ("order", order(1, 4, line(quantity=3, tax="5.70"), note="Ring once", state="closed")),
    ("refund", refund(1)),
    ("refund", refund(2)),
]
SENDING = 0.3
"""How often something is sent between two arrivals."""

ROUNDS = 30
"""Deliveries after which nothing may be open any more."""


class Undone(Exception):
    """Ends one order of arrival, of which nothing stays."""


@row("All arrival orders of 6 events of one order, each told twice", goal="720: one final state", order=30)
def arrivals(stack: Stack, scale: Scale) -> Figure:
    every = list(permutations(range(len(EVENTS))))
    random.Random(4).shuffle(every)
    house = _house()
    ends: dict[str, tuple[int, ...]] = {}
    for number, arrival in enumerate(every[: scale(len(every))]):
        ends.setdefault(_end(house, arrival, random.Random(number)), arrival)
    return Figure(
        f"{scale(len(every))} orders of arrival: {len(ends)} final state{'s' if len(ends) > 1 else ''}",
        good=len(ends) == 1 and "1 order document, 2 refund documents" in next(iter(ends)),
        notes=tuple(f"{arrival} → {end}" for end, arrival in list(ends.items())[:4]),
    )


def _house() -> House:
    """The toys' company: their remotes live in this process, which makes a thousand stories take a minute."""
    plugins()._connectors = {"toyshop": ToyShop, "toyerp": ToyErp}
    return House(connect("toyshop", "shop"), connect("toyerp", "erp"))


def _end(house: House, arrival: tuple[int, ...], dice: random.Random) -> str:
    """The state that both sides end in, in words."""
    told = list(arrival)
    for each in arrival:  # the second time at any moment after the first
        told.insert(dice.randint(told.index(each) + 1, len(told)), each)
    erp = Toy.remotes["erp"] = Remote()
    erp.stock[("erp-1", "erp-main")] = 100
    found = SimpleNamespace(end="")
    try:
        with transaction.atomic():
            for each in told:
                kind, record = EVENTS[each]
                house.apply(house.shop, kind, record)
                if dice.random() < SENDING:
                    house.deliver()
            for _ in range(ROUNDS):
                if not Operation.objects.filter(
                    state__in=["ready", "retry_wait", "unknown", "sending"]
                ).exists():
                    break
                house.deliver()
            found.end = _told(erp)
            raise Undone
    except Undone:
        return found.end


def _told(erp: Remote) -> str:
    ours = Order.objects.get()
    held: dict[str, dict[str, Any]] = erp.held
    orders = [
        f"version {each.version}, {each.state}, {each.note}, {each.lines[0].quantity} pieces"
        for each in held["order"].values()
    ]
    return "; ".join(
        [
            f"{len(held['order'])} order document, {len(held['refund'])} refund documents",
            *orders,
            f"refunds {sorted(each.external_id for each in held['refund'].values())}",
            f"stock {erp.stock}",
            f"ours at version {ours.version} with {Refund.objects.count()} refunds",
            f"open {sorted(Operation.objects.filter(state__in=Operation.OPEN).values_list('kind', 'state'))}",
        ]
    )
