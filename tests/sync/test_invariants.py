"""Each rule of our books: it holds after a day's work, and is the one that speaks when its rule is broken."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.connections.models import Reference
from portal.records.models import Order, OrderLine, Refund, StockLevel
from portal.sync.invariants import RULES, ask, report
from portal.sync.models import Case, CaseItem, Effect, Job, Operation
from portal.sync.tasks import answer
from tests.toys import order, refund

LONG_AGO = timezone.now() - timedelta(days=1)


@pytest.fixture
def worked(house):
    house.erp_remote.stock["erp-1", "erp-main"] = 10
    house.shop_remote.stock["shop-1", "shop-main"] = 10
    house.work(house.erp, "pull:stock")
    house.work(house.shop, "check:stock")
    house.told(order(1), order(2), order(3, total="99.00"))
    house.deliver()
    house.apply(house.shop, "refund", refund(1, 1))
    house.deliver()
    Order.objects.update(changed_at=LONG_AGO)
    return house


def done(kind="order"):
    return Operation.objects.filter(kind=kind, state="done").first()


def copy_operation(**fields):
    copy = done()
    copy.pk, copy.op_key = None, f"{copy.op_key}-copy"
    for name, value in fields.items():
        setattr(copy, name, value)
    copy.save()


def forget_order(_):
    Operation.objects.filter(pk=done().pk).delete()


def leave_open_behind(_):
    first, later = Operation.objects.filter(kind="order", state="done").order_by("pk")[:2]
    Operation.objects.filter(pk=first.pk).update(state="ready", finished_at=None)
    Operation.objects.filter(pk=later.pk).update(state="unknown", finished_at=None, aggregate=first.aggregate)


BREAKS = {
    "orders-routed": forget_order,
    "done-is-known": lambda _: (
        Reference.objects.filter(connection__slug="erp", kind="order").first().delete()
    ),
    "ties-lead-somewhere": lambda house: Reference.objects.create(
        connection=house.shop, kind="shipment", external_id="nowhere", record_id=4711
    ),
    "nothing-overtakes": leave_open_behind,
    "no-forgotten-lease": lambda _: copy_operation(
        state="sending", lease_until=LONG_AGO, finished_at=None, aggregate="order:0", intent=9
    ),
    "held-is-told": lambda _: CaseItem.objects.all().delete(),
    "refunds-bounded": lambda _: Refund.objects.update(total_minor=10_000_000),
    "orders-have-lines": lambda _: OrderLine.objects.filter(order=Order.objects.first()).delete(),
    "effects-have-cause": lambda house: (
        Effect.objects.create(
            operation=done(),
            product=StockLevel.objects.first().product,
            location=StockLevel.objects.first().location,
            quantity=1,
        )
        and Operation.objects.filter(pk=done().pk).update(kind="stock")
    ),
    "doubts-end": lambda _: StockLevel.objects.update(doubted_since=LONG_AGO),
    "one-done-an-intent": lambda _: copy_operation(),
    "ends-are-stamped": lambda _: Operation.objects.filter(pk=done().pk).update(finished_at=None),
}


def test_after_a_days_work_every_rule_holds(worked, capsys):
    call_command("invariants")
    assert [verdict.rule.name for verdict in ask() if verdict.count] == []
    assert capsys.readouterr().out.count("✓") == len(RULES)


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_a_broken_rule_is_named_with_what_breaks_it(worked, rule):
    BREAKS[rule](worked)
    broken = {verdict.rule.name: verdict for verdict in ask() if verdict.count}
    assert rule in broken
    assert broken[rule].examples


def test_a_broken_rule_is_a_case_until_it_holds_again(worked):
    StockLevel.objects.update(doubted_since=LONG_AGO)
    job = Job.objects.get(name="invariants")
    assert answer(job.pk) == "1 broken"
    case = Case.objects.get(cause="invariant")
    assert "no stock figure stays in doubt" in case.title
    StockLevel.objects.update(doubted_since=None)
    report(ask())
    case.refresh_from_db()
    assert case.state == "resolved"


def test_the_command_fails_when_a_rule_is_broken(worked):
    StockLevel.objects.update(doubted_since=LONG_AGO)
    with pytest.raises(SystemExit):
        call_command("invariants")
