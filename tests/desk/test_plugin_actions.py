"""Actions of plugins: a button on a page, and one for the chosen rows of a list."""

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from portal.connections.plugin_switches import switch_for
from portal.records.models import Order
from portal.sdk import SkipRecord
from tests.desk.brought import action, address, failures, page, press


def test_an_action_is_a_button_that_says_what_came_of_it_and_stands_in_the_history(one_of_each, boss, brings):
    done = []

    def run(*, subject, by):
        done.append((subject.kind, subject.id, by))
        return f"Label of {subject.record.number} is printed."

    brings(action(run))
    order = Order.objects.first()
    assert "Print label" in page(boss, order)
    assert boss.get(address(order, "do_of_plugin", "labels", "print")).status_code == 405
    said = f"Label of {order.number} is printed."

    assert said in press(boss, order)
    assert done == [("order", order.pk, "boss")]
    assert said in LogEntry.objects.get().get_change_message()


def test_an_action_with_a_question_asks_first(one_of_each, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(by) or "Done.", question="On which paper?"))
    order = Order.objects.first()
    asked = boss.get(address(order, "do_of_plugin", "labels", "print")).content.decode()

    assert "On which paper?" in asked
    assert done == []
    assert "Done." in press(boss, order)
    assert done == ["boss"]


@pytest.mark.parametrize(
    ("raised", "said", "counted"),
    [
        (SkipRecord("The printer is out of paper."), "The printer is out of paper.", 0),
        (ZeroDivisionError("x"), "The action “Print label” failed: ZeroDivisionError: x.", 1),
        (SystemExit(3), "The action “Print label” failed: it called sys.exit(3).", 1),
    ],
)
def test_an_action_that_fails_says_why(one_of_each, boss, brings, raised, said, counted):
    def run(*, subject, by):
        raise raised

    brings(action(run))

    assert said in press(boss, Order.objects.first())
    assert len(failures()) == counted
    assert not LogEntry.objects.exists()


def test_an_action_needs_its_permission_on_the_page_and_on_the_list(one_of_each, as_role, brings):
    brings(action(lambda subject, by: "Done.", permission="print"))
    viewer, order = as_role("viewer"), Order.objects.first()

    assert "Print label" not in page(viewer, order)
    assert viewer.post(address(order, "do_of_plugin", "labels", "print")).status_code == 404
    assert "Print label" not in viewer.get(reverse("admin:records_order_changelist")).content.decode()


def choose(client, rows, **more):
    answers = {"action": "labels:print", "_selected_action": [row.pk for row in rows], **more}
    return client.post(reverse("admin:records_order_changelist"), answers, follow=True).content.decode()


def test_an_action_is_taken_on_all_chosen_rows_of_a_list_each_for_itself(one_of_each, boss, brings):
    rows = list(Order.objects.all()[:3])

    def run(*, subject, by):
        if subject.id == rows[1].pk:
            raise SkipRecord("It is too heavy.")
        return "Printed."

    brings(action(run))
    said = choose(boss, rows)

    assert "2 × Printed." in said
    assert "It is too heavy." in said
    assert LogEntry.objects.count() == 2


def test_chosen_rows_of_a_connection_that_the_plugin_is_off_for_are_left_out(one_of_each, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(subject.id) or "Printed."))
    rows = list(Order.objects.all()[:2])
    switch_for(rows[0].origin, "labels", on=False)

    assert "2 × The plugin labels is switched off for Demo shop." in choose(boss, rows)
    assert done == []


def test_the_question_is_asked_once_for_all_chosen_rows(one_of_each, boss, brings):
    done = []
    brings(action(lambda subject, by: done.append(subject.id) or "Printed.", question="On which paper?"))
    rows = list(Order.objects.all()[:2])

    assert "On which paper?" in choose(boss, rows)
    assert done == []
    assert "2 × Printed." in choose(boss, rows, confirmed="yes")
    assert sorted(done) == sorted(row.pk for row in rows)


def test_nobody_waits_for_more_rows_than_can_be_waited_for(one_of_each, boss, brings, monkeypatch):
    monkeypatch.setattr("portal.desk.plugged.MOST", 1)
    done = []
    brings(action(lambda subject, by: done.append(by) or "Printed."))

    assert "Choose at most 1 at once" in choose(boss, Order.objects.all()[:2])
    assert done == []
