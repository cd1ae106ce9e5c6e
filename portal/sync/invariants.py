"""What must hold in our own books at any moment, asked of the database rule by rule.

Each rule is one query whose rows are its violations, so that a rule that holds costs one round trip. The
outside witness is another matter: what the remotes say is asked by the demo's and the fault kit's checks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from portal.connections.models import Reference
from portal.records.models import Order, OrderLine, Refund, StockLevel
from portal.records.store import MODELS
from portal.records.trouble import Trouble
from portal.sync.cases import open_cases, settle_subjects
from portal.sync.clock import db_now
from portal.sync.models import CaseItem, Effect, Flow, Job, Operation
from portal.sync.progress import Progress

State = Operation.State
PATIENCE = timedelta(minutes=5)
"""What is only late is no violation yet: a sweep, a worker or a transaction may be at it."""

SHOWN = 5
"""Violations of one rule that are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``broken`` yields what violates the rule, each as words for the reader."""

    name: str
    sentence: str
    broken: Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One rule, asked: how many violations, and the first few of them."""

    rule: Rule
    count: int
    examples: tuple[str, ...]


def ask() -> list[Verdict]:
    """Every rule once, in the order of ``RULES``."""
    verdicts = []
    for rule in RULES:
        found = iter(rule.broken())
        examples = tuple(islice(found, SHOWN))
        verdicts.append(Verdict(rule, len(examples) + sum(1 for _ in found), examples))
    return verdicts


def report(verdicts: Iterable[Verdict]) -> None:
    """One open case for each rule that is broken; a rule that holds again settles its own."""
    now = db_now()
    for verdict in verdicts:
        subject = f"invariant:{verdict.rule.name}"
        if not verdict.count:
            settle_subjects([subject], now)
            continue
        said = "; ".join(verdict.examples) + ("; …" if verdict.count > SHOWN else "")
        trouble = Trouble(
            cause="invariant",
            key=subject,
            title=f"Our books contradict themselves: not {verdict.rule.sentence}",
            mend="Keep a backup of the database as it is now, and report this with the message.",
            subject=subject,
            label=verdict.rule.name,
            message=f"{verdict.count}: {said}",
        )
        open_cases(None, [trouble], now)


def _a_while_ago(times: int = 1) -> datetime:
    return db_now() - times * PATIENCE


def _orders_without_operation() -> Iterable[str]:
    for flow in Flow.objects.filter(kind="order", state__in=[Flow.State.LIVE, Flow.State.PAUSED]):
        routed = Operation.objects.filter(connection=flow.target_id, kind="order", record_id=OuterRef("pk"))
        orders = Order.objects.filter(~Exists(routed), origin=flow.source_id, changed_at__lt=_a_while_ago())
        if flow.start_at is not None:
            orders = orders.filter(placed_at__gte=flow.start_at)
        yield from (f"order {order}" for order in orders.exclude(state=Order.State.CANCELLED).iterator())


def _done_without_reference() -> Iterable[str]:
    tie = Reference.objects.filter(
        connection=OuterRef("connection"),
        kind=OuterRef("kind"),
        record_id=OuterRef("record_id"),
        state=Reference.State.CONFIRMED,
    )
    done = Operation.objects.filter(~Exists(tie), state=State.DONE, kind__in=Reference.Kind.values)
    return map(str, done.exclude(remote_id="").iterator())


def _references_to_nothing() -> Iterable[str]:
    for kind, model in MODELS.items():
        row = model.objects.filter(pk=OuterRef("record_id"))
        lost = Reference.objects.filter(~Exists(row), kind=kind, record_id__isnull=False)
        yield from map(str, lost.iterator())


def _overtaken() -> Iterable[str]:
    older = Operation.objects.filter(
        connection=OuterRef("connection"),
        aggregate=OuterRef("aggregate"),
        state__in=Operation.OPEN,
        pk__lt=OuterRef("pk"),
    )
    ahead = Operation.objects.filter(Exists(older), Q(state=State.SENDING) | Q(state=State.UNKNOWN))
    return map(str, ahead.iterator())


def _lapsed() -> Iterable[str]:
    lapsed = Operation.objects.filter(state=State.SENDING, lease_until__lt=_a_while_ago())
    return map(str, lapsed.iterator())


def _held_without_case() -> Iterable[str]:
    item = CaseItem.objects.filter(operation=OuterRef("pk"), resolved_at=None)
    waiting = Operation.objects.filter(~Exists(item), state__in=[State.HELD, State.REVIEW])
    return map(str, waiting.iterator())


def _over_refunded() -> Iterable[str]:
    sent = Operation.objects.filter(kind="refund", record_id=OuterRef("pk"), state=State.DONE)
    by_hand = sent.filter(cause="by-hand")
    refunds = Refund.objects.filter(Exists(sent), ~Exists(by_hand), order__isnull=False)
    spent: QuerySet[Refund, Any] = (
        refunds.exclude(order__state=Order.State.CANCELLED)
        .values("order__number", "order__paid_minor")
        .annotate(given=Sum("total_minor"))
        .filter(given__gt=F("order__paid_minor"))
    )
    for row in spent.order_by().iterator():
        yield f"order {row['order__number']}: {row['given']} of {row['order__paid_minor']} smallest units"


def _orders_without_lines() -> Iterable[str]:
    lines = OrderLine.objects.filter(order=OuterRef("pk"))
    return (f"order {order}" for order in Order.objects.filter(~Exists(lines), ~Q(data__lines=[])).iterator())


def _effects_of_nothing() -> Iterable[str]:
    strange = Effect.objects.exclude(operation__kind__in=["order", "refund"]).select_related("operation")
    return (f"{effect} of {effect.operation}" for effect in strange.iterator())


def _long_doubted() -> Iterable[str]:
    doubted = StockLevel.objects.filter(
        doubted_since__lt=_a_while_ago(12), connection__enabled=True, connection__failures=0
    )
    return map(str, doubted.select_related("product", "location", "connection").iterator())


def _intents_twice() -> Iterable[str]:
    done = Operation.objects.filter(state=State.DONE).exclude(kind="stock")
    earlier = done.filter(
        connection=OuterRef("connection"),
        kind=OuterRef("kind"),
        record_id=OuterRef("record_id"),
        intent=OuterRef("intent"),
        pk__lt=OuterRef("pk"),
    )
    return map(str, done.filter(Exists(earlier)).iterator())


def _unfinished() -> Iterable[str]:
    ended = Operation.objects.filter(state__in=[State.DONE, State.CANCELLED], finished_at=None)
    started = Operation.objects.filter(state__in=Operation.OPEN).exclude(finished_at=None)
    return map(str, (ended | started).annotate(at=Coalesce("finished_at", "created_at")).iterator())


def work(job: Job, progress: Progress) -> None:  # noqa: ARG001 - the signature of every job's work
    """The job: ask, and tell by cases."""
    verdicts = ask()
    report(verdicts)
    progress.add(Counter(broken=sum(1 for verdict in verdicts if verdict.count)))


RULES = (
    Rule("orders-routed", "every order of a running flow has its operation", _orders_without_operation),
    Rule(
        "done-is-known", "what was done in a remote system is known by its id there", _done_without_reference
    ),
    Rule("ties-lead-somewhere", "every reference leads to a record", _references_to_nothing),
    Rule("nothing-overtakes", "no operation of a record is sent before an older one has ended", _overtaken),
    Rule("no-forgotten-lease", "no sending is left without a worker", _lapsed),
    Rule("held-is-told", "everything held or in review stands in an open case", _held_without_case),
    Rule("refunds-bounded", "no order gives back more than was captured", _over_refunded),
    Rule("orders-have-lines", "every order has the lines of its record", _orders_without_lines),
    Rule("effects-have-cause", "only orders and refunds move stock", _effects_of_nothing),
    Rule("doubts-end", "no stock figure stays in doubt", _long_doubted),
    Rule("one-done-an-intent", "no intent was done twice", _intents_twice),
    Rule("ends-are-stamped", "what has ended has its moment, and nothing else has", _unfinished),
)
