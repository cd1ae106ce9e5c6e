"""What is sent for a record, and what is not."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from portal.records.models import Order
from portal.sdk import Money, RetryLater
from portal.sync.mending import cancel_operations, mark_done, resolve_case, retry_operations
from portal.sync.models import Case, Fact, Flow, Operation
from portal.sync.switching import obstacles, switch
from tests.engine import flow
from tests.toys import NOON, ToyShop, eur, fails, line, order, refund


def sent(house):
    return house.erp_remote.did("order")


def test_an_edit_before_sending_replaces_what_waited(house):
    house.told(order(1))
    house.told(order(1, 2, note="b"))
    assert house.states() == ["cancelled", "ready"]
    assert house.operations()[0].cause == "superseded"
    house.deliver()
    assert house.erp_remote.held["order"]["toyerp-o1"].note == "b"
    assert len(sent(house)) == 1


def test_an_edit_after_sending_is_a_second_operation_after_the_first(house):
    house.told(order(1))
    house.deliver()
    house.told(order(1, 2, note="b"))
    house.deliver()
    assert [operation.intent for operation in house.operations()] == [1, 2]
    assert house.states() == ["done", "done"]
    assert [record.note for record in house.erp_remote.held["order"].values()] == ["b"]


def test_an_edit_while_the_outcome_is_unknown_waits_for_it(house):
    house.told(order(1))
    Operation.objects.update(state="unknown", attempts=1)
    house.told(order(1, 2, note="b"))
    assert house.states() == ["unknown", "ready"]
    house.deliver()
    assert house.states() == ["done", "done"]
    assert [name for name, _ in house.erp_remote.calls if "order" in name] == [
        "find_order",
        "push_order",
        "push_order",
    ]


def test_a_cancel_before_sending_sends_nothing(house):
    house.told(order(1))
    house.told(order(1, 2, state="cancelled"))
    house.deliver()
    assert sent(house) == []
    assert house.states() == ["cancelled"]


def test_a_cancel_after_sending_is_sent(house):
    house.told(order(1))
    house.deliver()
    house.told(order(1, 2, state="cancelled", paid=eur(0)))
    house.deliver()
    assert sent(house) == [("toyerp-o1", "open"), ("toyerp-o1", "cancelled")]


def test_a_cancel_after_a_try_without_effect_is_sent_to_be_sure(house):
    house.told(order(1))
    house.erp_remote.then("push_order", fails(RetryLater("Locked.")))
    house.deliver()
    house.told(order(1, 2, state="cancelled"))
    assert house.states() == ["cancelled", "ready"]


def test_an_order_reopened_after_a_cancel_is_sent(house):
    house.told(order(1))
    house.told(order(1, 2, state="cancelled"))
    house.told(order(1, 3))
    house.deliver()
    assert sent(house) == [("toyerp-o1", "open")]


@pytest.mark.parametrize("echo", [{}, {"paid": eur(5)}, {"state": "closed"}])
def test_an_echo_of_our_own_doing_causes_nothing(house, echo):
    house.told(order(1))
    house.deliver()
    house.told(order(1, 2, **echo))
    assert house.states() == ["done"]
    assert Order.objects.get().version == 2


def test_what_a_person_gave_up_is_not_sent_because_of_an_echo(house):
    house.told(order(1))
    cancel_operations([house.operations()[0].pk], by="Ann", reason="Entered there by hand.")
    house.told(order(1, 2, paid=eur(5)))
    house.deliver()
    assert sent(house) == []
    house.told(order(1, 3, note="really new"))
    house.deliver()
    assert len(sent(house)) == 1


def test_totals_that_do_not_add_up_hold_the_order_name_the_line_and_are_let_go_when_corrected(house):
    house.told(order(1, 1, line(), line("SKU-2", 3, total="29.98")), order(2))
    held, passed = house.operations()
    assert (held.state, held.cause, passed.state) == ("held", "totals-differ", "ready")
    assert held.message.startswith("Line 2 (SKU-2) says 29.98 EUR, but 3 × 10.00 EUR")
    assert Case.objects.get().items.get().operation == held
    house.told(order(1, 2, line(), line(quantity=2)))
    assert Case.objects.get().state == "resolved"
    house.deliver()
    assert house.states() == ["cancelled", "done", "done"]


def test_a_sum_that_differs_from_the_total_holds_the_order(house):
    house.told(order(1, total="11.89"))
    assert (
        "says 11.89 EUR, but its lines, shipping and taxes add up to 11.90 EUR"
        in house.operations()[0].message
    )


def test_more_given_back_than_was_captured_is_held(house):
    house.told(order(1))
    house.apply(house.shop, "refund", refund(1, 1, "6.00"), refund(2, 1, "6.00"), refund(3, 1, "0.50"))
    assert house.states("refund") == ["ready", "held", "held"]
    assert (
        "has 12.00 EUR given back, but only 11.90 EUR was captured" in house.operations("refund")[1].message
    )


def test_a_refund_too_large_for_an_order_that_comes_later_is_held_then(house):
    house.apply(house.shop, "refund", refund(1, 1, "99.00"), refund(2, 2, "11.90"))
    house.told(order(1), order(2))
    house.deliver()
    house.deliver()
    assert house.states("refund") == ["held", "done"]
    assert house.operations("refund")[0].cause == "over-refund"
    assert [remote_id for remote_id, _ in house.erp_remote.did("refund")] == ["toyerp-r2"]
    assert Case.objects.get(state="open", cause="over-refund")


def test_a_held_refund_is_let_go_when_more_was_captured(house):
    house.told(order(1, paid=eur("5.00")))
    house.apply(house.shop, "refund", refund(1, 1))
    assert house.states("refund") == ["held"]
    house.told(order(1, 2))
    house.deliver()
    house.deliver()
    assert house.states("refund") == ["done"]
    assert not Case.objects.filter(state="open").exists()


def test_a_refund_in_another_currency_is_held(house):
    house.told(order(1))
    foreign = refund(1, 1, "1.00").model_dump() | {"currency": "USD", "total": Money(1, "USD"), "lines": ()}
    house.apply(house.shop, "refund", type(refund()).model_validate(foreign))
    assert "is in USD, but its order #1 in EUR" in house.operations("refund")[0].message


def test_a_refund_that_waits_for_its_order_does_not_stand_in_its_way(house):
    switch(house.flows.order, "rehearsal", "Ann")
    house.told(order(1))
    house.apply(house.shop, "refund", refund(1, 1))
    house.deliver()
    assert house.states("refund") == ["held"]
    switch(house.flows.order, "live", "Ann")
    house.deliver()
    house.deliver()
    assert (house.states("order"), house.states("refund")) == (["done"], ["done"])


def test_a_paused_flow_computes_and_sends_nothing_until_it_is_resumed(
    house, rings, django_capture_on_commit_callbacks
):
    switch(house.flows.order, "paused", "Ann")
    house.told(order(1))
    house.deliver()
    assert house.states() == ["ready"]
    assert sent(house) == []
    with django_capture_on_commit_callbacks(execute=True):
        switch(house.flows.order, "live", "Ann")
    assert rings
    house.deliver()
    assert len(sent(house)) == 1
    assert "Ann switched it from paused to live." in Fact.objects.filter(kind="flow").last().text


def test_a_rehearsal_only_notes_what_it_would_do_and_catches_up_when_it_goes_live(house):
    switch(house.flows.order, "rehearsal", "Ann")
    house.told(order(1), order(2, total="1.00"))
    assert house.states() == []
    told = set(Fact.objects.filter(text__startswith="Rehearsal").values_list("text", flat=True))
    assert "Rehearsal: would be sent to ERP." in told
    assert any(text.startswith("Rehearsal: would be held, The order says 1.00 EUR") for text in told)
    switch(house.flows.order, "live", "Ann")
    assert sorted(house.states()) == ["held", "ready"]
    switch(house.flows.order, "rehearsal", "Ann")
    switch(house.flows.order, "live", "Ann")
    assert sorted(house.states()) == ["held", "ready"]


def test_what_happened_before_the_flows_beginning_is_left_alone(house):
    Flow.objects.filter(pk=house.flows.order.pk).update(start_at=NOON)
    house.told(order(1, placed_at=NOON - timedelta(seconds=1)), order(2, placed_at=NOON))
    assert [operation.label for operation in house.operations()] == ["#2"]


def test_a_draft_does_nothing(house):
    switch(house.flows.order, "draft", "Ann")
    house.told(order(1))
    assert house.states() == []


def test_a_flow_that_its_connectors_cannot_run_is_refused_with_a_sentence(house):
    backwards = flow("order", house.erp, house.shop, state="draft")
    with pytest.raises(ValueError, match="ERP cannot be read for orders.*SHOP takes no orders"):
        switch(backwards, "live", "Ann")
    assert len(obstacles(backwards)) == 2


def test_a_connector_that_promises_nothing_for_a_kind_is_taken_at_its_word(house, toys):
    toys.setattr(ToyShop, "promises", {})
    toys.setattr("tests.toys.ToyErp.promises", {})
    house.told(order(1))
    assert house.operations()[0].promise == "E"


def test_staff_retry_cancel_and_mark_done_with_their_name_and_reason(house):
    house.told(order(1, total="1.00"), order(2, total="1.00"), order(3, total="1.00"))
    first, second, third = house.operations()
    case = Case.objects.get()
    with pytest.raises(ValueError, match="3 operations are still held"):
        resolve_case(case, None)
    assert retry_operations([first.pk], "Ann") == 1
    assert cancel_operations([second.pk], "Ann", "Double.") == 1
    with pytest.raises(ValueError, match="Say why"):
        cancel_operations([third.pk], "Ann", " ")
    mark_done(third, "E-3", "Ann", "Typed in.")
    assert house.states() == ["ready", "cancelled", "done"]
    case.refresh_from_db()
    assert case.state == "resolved"
    assert "Ann marked it done: Typed in." in [fact.text for fact in third.facts.all()]
    house.deliver()
    house.told(order(3, 2, note="edit"))
    house.deliver()
    assert house.erp_remote.held["order"]["E-3"].note == "edit"
    with pytest.raises(ValueError, match="ended already"):
        mark_done(third, "E-3", "Ann", "Again.")
    resolve_case(case, get_user_model().objects.create_user("ann"))
    assert timezone.now() - case.resolved_at < timedelta(seconds=5)
