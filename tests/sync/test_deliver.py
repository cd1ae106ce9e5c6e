"""What becomes of an operation, by what the remote says."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection as database
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from portal.connections.models import Connection, Reference
from portal.sdk import Misconfigured, OutcomeUnknown, Promise, ReadAgain, Receipt, RetryLater, SkipRecord
from portal.sync import outbox
from portal.sync.decide import Outcome
from portal.sync.models import Attempt, Case, CaseItem, Fact, Operation
from portal.sync.outbox import claim, doubt_lapsed
from portal.sync.settle import settle
from tests.toys import ToyErp, fails, location, loses, order


def operation():
    return Operation.objects.get()


def test_a_sent_order_is_done_and_tied(house):
    house.told(order(1))
    house.deliver()
    done = operation()
    assert (done.state, done.attempts, done.remote_id) == ("done", 1, "toyerp-o1")
    assert done.receipt == {"number": "Ntoyerp-o1"}
    assert Reference.objects.get(connection=house.erp, kind="order").record_id == done.record_id
    assert Attempt.objects.get().outcome == "done"
    assert "Done in ERP as toyerp-o1." in [fact.text for fact in Fact.objects.filter(operation=done)]
    assert house.erp_remote.closed == 3  # two readings of the master, one delivery


def test_attempts_and_fence_are_counted_before_the_call(house):
    house.told(order(1))
    claim(house.erp, 10)
    stored = operation()
    assert (stored.state, stored.attempts, stored.fence) == ("sending", 1, 1)
    assert stored.lease_until > timezone.now() + timedelta(seconds=50)
    assert claim(house.erp, 10) == []


def test_only_one_operation_of_a_record_is_under_way_and_the_oldest_goes_first(house):
    house.told(order(1))
    assert [each.intent for each in claim(house.erp, 10)] == [1]
    house.told(order(1, 2, note="edited"))
    house.told(order(2))
    assert [each.label for each in claim(house.erp, 10)] == ["#2"]
    Operation.objects.filter(intent=1, label="#1").update(state="review", lease_until=None)
    assert claim(house.erp, 10) == []


def test_a_lost_answer_is_looked_up_before_it_is_sent_again_and_found(house):
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("The answer was lost.")))
    house.deliver()
    assert operation().state == "unknown"
    house.deliver()
    assert operation().state == "done"
    assert house.erp_remote.did("order") == [("toyerp-o1", "open")]
    assert [name for name, _ in house.erp_remote.calls if "order" in name] == ["push_order", "find_order"]


def test_what_is_looked_up_and_absent_is_sent_again(house):
    house.told(order(1))
    house.erp_remote.then("push_order", fails(OutcomeUnknown("The answer was lost.")))
    house.deliver()
    house.deliver()
    assert operation().state == "done"
    assert len(house.erp_remote.did("order")) == 1
    assert operation().attempts == 2


def test_an_unknown_outcome_is_not_asked_for_before_its_grace_is_over(house):
    house.told(order(1))
    house.erp_remote.then("push_order", fails(OutcomeUnknown("?")))
    house.deliver()
    assert operation().due_at > timezone.now() + timedelta(seconds=5)
    house.work(house.erp, "deliver")
    assert operation().state == "unknown"


@pytest.mark.parametrize(
    "said",
    [OutcomeUnknown("Cannot say."), SkipRecord("No place tied.", cause="missing-location"), KeyError("id")],
)
def test_what_nobody_can_tell_goes_to_a_person_and_is_never_sent_by_itself(house, said):
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.erp_remote.then("find_order", fails(said))
    house.deliver()
    house.deliver()
    assert operation().state == "review"
    house.apply(house.erp, "location", location("NEW", "new"))
    house.deliver()
    assert len(house.erp_remote.did("order")) == 1
    assert "mark it done with its id" in Case.objects.get(state="open").mend


@pytest.mark.parametrize("promise", [Promise.UNIQUE_REFERENCE, Promise.SEARCHABLE])
def test_a_connector_that_breaks_at_a_look_up_leaves_the_doubt_to_a_person(house, toys, promise):
    toys.setattr(ToyErp, "promises", {"order": promise})
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.erp_remote.then("find_order", fails(ZeroDivisionError("a bug")))
    house.deliver()
    house.deliver()
    assert (operation().state, operation().cause) == ("review", "connector-bug")


def test_a_look_up_that_fails_is_repeated_and_does_not_send(house):
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.erp_remote.then("find_order", fails(RetryLater("Busy.")))
    house.deliver()
    house.deliver()
    assert operation().state == "unknown"
    house.deliver()
    assert operation().state == "done"
    assert len(house.erp_remote.did("order")) == 1


def test_a_remote_that_promises_nothing_leaves_the_doubt_to_a_person(house, toys):
    toys.setattr(ToyErp, "promises", {"order": Promise.NOTHING})
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.deliver()
    assert operation().state == "review"


@pytest.mark.parametrize("promise", [Promise.IDEMPOTENCY_KEY, Promise.ABSOLUTE])
def test_where_a_repeat_is_harmless_it_is_repeated_without_asking(house, toys, promise):
    toys.setattr(ToyErp, "promises", {"order": promise})
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.deliver()
    house.deliver()
    assert operation().state == "done"
    assert "find_order" not in [name for name, _ in house.erp_remote.calls]


def test_a_lapsed_lease_makes_the_outcome_unknown_and_it_is_looked_up(house):
    house.told(order(1))
    [claimed] = claim(house.erp, 1)
    house.erp_remote.keys[claimed.op_key] = Receipt("toyerp-o1")
    Operation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert doubt_lapsed() == 1
    assert (operation().state, operation().cause) == ("unknown", "worker-lost")
    house.deliver()
    assert operation().state == "done"
    assert house.erp_remote.did("order") == []


def test_the_receipt_of_a_stale_fence_is_not_stored(house):
    house.told(order(1))
    [stale] = claim(house.erp, 1)
    Operation.objects.update(lease_until=timezone.now() - timedelta(seconds=1), due_at=timezone.now())
    doubt_lapsed()
    [newer] = claim(house.erp, 1)
    assert settle(house.erp, [Outcome(stale, Receipt("stale"))]) == {}
    assert operation().state == "unknown"
    settle(house.erp, [Outcome(newer, Receipt("newer"))])
    assert operation().remote_id == "newer"


def test_a_late_answer_of_a_lapsed_sending_counts_as_the_answer_to_the_sending(house):
    house.told(order(1))
    [claimed] = claim(house.erp, 1)
    Operation.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    doubt_lapsed()
    settle(house.erp, [Outcome(claimed, OutcomeUnknown("?"))])
    assert operation().state == "unknown"


def test_a_busy_record_is_tried_again_later_and_later(house):
    house.told(order(1))
    waits = []
    for _ in range(3):
        house.erp_remote.then("push_order", fails(RetryLater("Locked.")))
        house.deliver()
        waits.append(operation().due_at - timezone.now())
        assert operation().state == "retry_wait"
    assert waits[0] < waits[1] < waits[2]
    Operation.objects.update(attempts=11)
    house.erp_remote.then("push_order", fails(RetryLater("Locked.")))
    house.deliver()
    assert (operation().state, operation().cause) == ("held", "keeps-failing")


def test_a_remote_that_is_away_rests_the_connection_and_uses_up_no_attempt(house):
    house.told(*map(order, range(20)))
    away = RetryLater("Slow down.", after=timedelta(seconds=90), whole_connection=True)
    house.erp_remote.then("push_order", *[fails(away)] * 20)
    house.deliver()
    assert len([name for name, _ in house.erp_remote.calls if name == "push_order"]) <= ToyErp.in_flight
    assert set(Operation.objects.values_list("attempts", flat=True)) == {0}
    house.erp.refresh_from_db()
    assert house.erp.health == "waiting"
    assert house.erp.resting_until > timezone.now() + timedelta(seconds=80)
    Operation.objects.update(due_at=timezone.now())
    assert house.work(house.erp, "deliver") == "resting"


def test_a_misconfigured_connection_opens_one_case_that_closes_when_it_works_again(house):
    house.told(order(1), order(2))
    wrong = Misconfigured("ERP refused our credentials.", mend="Enter the key again.")
    house.erp_remote.then("push_order", *[fails(wrong)] * 4)
    house.deliver()
    house.deliver()
    case = Case.objects.get(cause="connection")
    assert (case.state, case.mend) == ("open", "Enter the key again.")
    assert Connection.objects.get(pk=house.erp.pk).health == "broken"
    assert house.work(house.erp, "deliver") == "resting"
    house.erp_remote.scripts.clear()
    house.deliver()
    case.refresh_from_db()
    assert case.state == "resolved"
    assert Connection.objects.get(pk=house.erp.pk).health == "good"
    assert house.states() == ["done", "done"]


def test_a_refused_record_is_held_with_a_case_and_the_others_go_on(house):
    house.told(order(1), order(2), order(3))
    house.erp_remote.then(
        "push_order", fails(SkipRecord("No such tax.", cause="x" * 90, mend="Add the tax."))
    )
    house.deliver()
    assert sorted(house.states()) == ["done", "done", "held"]
    case = Case.objects.get()
    assert case.mend == "Add the tax."
    assert case.items.get().message.startswith("No such tax.")


@pytest.mark.parametrize(
    "promise, parked", [(Promise.SEARCHABLE, "review"), (Promise.UNIQUE_REFERENCE, "held")]
)
def test_an_unexpected_error_parks_that_one_and_the_others_go_on(house, toys, promise, parked):
    toys.setattr(ToyErp, "promises", {"order": promise})
    house.told(order(1), order(2))
    house.erp_remote.then("push_order", fails(KeyError("id\0")))
    house.deliver()
    assert sorted(house.states()) == sorted(["done", parked])
    assert "The connector failed: KeyError" in CaseItem.objects.get().message


def test_a_payload_that_can_no_longer_be_read_parks_that_one_only(house):
    house.told(order(1), order(2))
    first = Operation.objects.order_by("pk").first()
    Operation.objects.filter(pk=first.pk).update(payload=first.payload | {"from_the_future": 1})
    house.deliver()
    assert house.states() == ["review", "done"]


def test_a_conflict_over_an_order_is_tried_again_and_not_dropped(house):
    house.told(order(1))
    house.erp_remote.then("push_order", fails(ReadAgain("Somebody else saved it.")))
    house.deliver()
    assert operation().state == "retry_wait"
    house.deliver()
    assert operation().state == "done"


def test_a_receipt_keeps_whatever_the_remote_said(house):
    house.told(order(1))
    odd = Receipt("toyerp-o1", "ok\0", {"at": timezone.now(), "sum": Decimal("1.5"), "note": "\0"})
    house.erp_remote.then("push_order", lambda _: odd)
    house.deliver()
    assert operation().receipt["sum"] == "1.5"
    assert operation().state == "done"


def test_several_calls_are_in_flight_at_once(house):
    house.told(*map(order, range(8)))
    together = threading.Barrier(ToyErp.in_flight, timeout=20)
    house.erp_remote.then("push_order", *[lambda act: (together.wait(), act())[1]] * 8)
    house.deliver()
    assert house.states() == ["done"] * 8
    assert house.erp_remote.most_busy == ToyErp.in_flight


def test_no_transaction_is_open_while_the_remote_works(house):
    seen = []
    house.told(*map(order, range(3)))
    depth = len(database.savepoint_ids)
    main = connections["default"]

    def watch():
        seen.append(len(main.savepoint_ids) == depth)
        time.sleep(0.01)

    house.erp_remote.watch = watch
    house.deliver()
    assert len(seen) == 3
    assert all(seen)


def test_the_receipts_of_a_chunk_cost_constant_queries(house, capsys):
    def queries(first, count):
        house.told(*map(order, range(first, first + count)))
        claimed = claim(house.erp, count)
        assert len(claimed) == count
        outcomes = [Outcome(each, Receipt(f"r-{each.label}"), started=timezone.now()) for each in claimed]
        with CaptureQueriesContext(database) as captured:
            settle(house.erp, outcomes)
        return len(captured)

    queries(1, 1)  # the connection's light turns green
    few, many = queries(100, 10), queries(200, 50)
    with capsys.disabled():
        print(f"\nreceipts: {few} queries for 10, {many} for 50")
    assert few == many if database.vendor == "postgresql" else few <= many <= few + 6


def test_no_case_is_looked_for_of_what_was_claimed_but_once(house):
    house.told(order(1))
    claimed = claim(house.erp, 1)
    with CaptureQueriesContext(database) as captured:
        settle(house.erp, [Outcome(each, Receipt("r-1")) for each in claimed])
    assert operation().state == "done"
    assert not [query["sql"] for query in captured if f"operation:{operation().pk}" in query["sql"]]


def test_after_an_error_of_ours_nothing_more_is_sent(house, monkeypatch):
    house.told(*map(order, range(8)))
    release = threading.Event()
    house.erp_remote.then("push_order", *[lambda act: (release.wait(5), act())[1]] * 8)
    monkeypatch.setattr("portal.sync.deliver.HEARTBEAT", 0.05)

    def broken(*_):
        threading.Timer(0.1, release.set).start()
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("portal.sync.deliver.keep_leases", broken)
    house.deliver()
    assert len(house.erp_remote.did("order")) == ToyErp.in_flight
    assert house.states().count("sending") == 8


def test_leases_are_kept_while_the_remote_thinks(house, monkeypatch):
    kept = []
    monkeypatch.setattr("portal.sync.deliver.HEARTBEAT", 0.05)
    monkeypatch.setattr("portal.sync.deliver.keep_leases", lambda flying: kept.append(len(flying)))
    house.told(order(1))
    house.erp_remote.then("push_order", lambda act: (time.sleep(0.2), act())[1])
    house.deliver()
    assert kept
    [claimed] = Operation.objects.all()
    outbox.keep_leases([claimed])
    assert Operation.objects.get().lease_until > timezone.now()


def test_a_look_up_needs_no_ties(house):
    house.told(order(1))
    house.erp_remote.then("push_order", loses(OutcomeUnknown("?")))
    house.deliver()
    Reference.objects.filter(connection=house.erp, kind="product").update(record_id=None)
    house.deliver()
    assert operation().state == "done"
