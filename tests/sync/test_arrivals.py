"""Events in any order, doubled, late, by page or by webhook, while the portal sends on: one final state."""

from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from portal.records.models import Order, Refund
from portal.sync.models import Event, Operation
from tests.toys import Remote, Toy, line, order, refund

VERSIONS = [
    order(1),
    order(1, 2, note="Ring twice"),
    order(1, 3, line(quantity=3, tax="5.70"), note="Ring twice"),
    order(1, 4, line(quantity=3, tax="5.70"), note="Ring once", state="closed"),
]
REFUNDS = [refund(1), refund(2)]
ROUNDS = 8
"""Deliveries after which nothing may be open any more."""


def machine(house):
    class Arrivals(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.undo = transaction.atomic()
            self.undo.__enter__()
            house.shop_remote.feed["order"] = [VERSIONS[0]]
            self.erp = Toy.remotes["erp"] = Remote()
            self.told = 0

        @rule(version=st.sampled_from(VERSIONS))
        def a_page_comes(self, version):
            house.told(version)

        @rule(version=st.sampled_from(VERSIONS))
        def a_webhook_comes(self, version):
            """It names the order; what is read then is the newest that the shop has."""
            self.told += 1
            house.shop_remote.feed["order"] = [
                max(version, *house.shop_remote.feed["order"], key=lambda o: o.version)
            ]
            Event.objects.create(
                connection=house.shop,
                dedupe_key=str(self.told),
                topic="t",
                kind="order",
                external_id="o1",
                body=b"",
            )
            house.work(house.shop, "inbox")

        @rule(given=st.sampled_from(REFUNDS))
        def a_refund_comes(self, given):
            house.apply(house.shop, "refund", given)

        @rule()
        def something_is_sent(self):
            house.deliver()

        def teardown(self):
            try:
                for version in reversed(VERSIONS):  # whatever did not come yet; the oldest comes last
                    house.told(version)
                for given in REFUNDS:
                    house.apply(house.shop, "refund", given)
                for _ in range(ROUNDS):
                    if Operation.objects.filter(state__in=["ready", "retry_wait", "unknown"]).exists():
                        house.deliver()
                assert set(Operation.objects.values_list("state", flat=True)) <= {"done", "cancelled"}
                ((_, there),) = self.erp.held["order"].items()
                assert (there.version, there.state, there.note) == (4, "closed", "Ring once")
                assert sorted(each.external_id for each in self.erp.held["refund"].values()) == ["r1", "r2"]
                assert (Order.objects.get().version, Refund.objects.count()) == (4, 2)
            finally:
                transaction.set_rollback(True)
                self.undo.__exit__(None, None, None)

    return Arrivals


def test_whatever_the_order_of_arrival_the_end_is_the_same(house):
    quick = settings(
        max_examples=6,
        stateful_step_count=6,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine(house), settings=quick)
