"""What should have come in and did not is found within minutes, told with its time, and fetched by a button."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from portal.records.models import Order
from portal.sdk import Rejected
from portal.sync import gaps, unheard
from portal.sync.models import Backfill, Case, CaseItem, Event, Job, Run
from tests.sync.counting import counting
from tests.toys import order


@pytest.fixture
def noon(house):
    """A moment some hours ago, on the grid; the shop's orders were read to their end just now."""
    now = timezone.now()
    read(house, whole(now) + timedelta(seconds=1))
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


def whole(moment):
    """The last whole step of the clock."""
    step = gaps.FINEST.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // step * step, UTC)


def read(house, began):
    """The last whole reading of the shop's orders began then."""
    Job.objects.filter(connection=house.shop, name="pull:order").update(last_began_at=began)


def placed(house, moment, number, *, came_in=True):
    made = order(number, placed_at=moment)
    house.shop_remote.feed["order"].append(made)
    if came_in:
        house.told(made)


def look(house):
    return house.work(house.shop, "gaps")


def open_items():
    return list(CaseItem.objects.filter(resolved_at=None, case__state="open").order_by("subject"))


def test_a_missing_order_is_told_with_its_time_fetched_by_the_button_and_then_all_is_well(
    house, noon, monkeypatch
):
    counting(monkeypatch)
    for number in range(30):
        placed(house, noon + timedelta(minutes=number), number, came_in=number != 17)
    assert look(house) == "1 missing"
    case = Case.objects.get(cause="gap-order")
    assert case.title == "Some orders of SHOP did not come in"
    assert "Fetch what is missing" in case.mend
    (item,) = open_items()
    assert (
        item.label
        == f"{noon + timedelta(minutes=16):%Y-%m-%d %H:%M} to {noon + timedelta(minutes=18):%H:%M} UTC"
    )
    assert item.message == "SHOP has 2 orders of that time, 1 of them came in: 1 missing."

    read(house, whole(timezone.now()) + timedelta(seconds=90))
    assert look(house) == "1 missing"
    assert [each.pk for each in open_items()] == [item.pk], "the same gap is met again under the same name"

    assert gaps.fetch_missing(case, by="Ada") == 1
    assert gaps.fetch_missing(case, by="Ben") == 0, "it is being fetched already"
    house.work(house.shop, "backfill")
    assert Order.objects.filter(external_id="o17").exists()
    assert look(house) == "nothing new"
    case.refresh_from_db()
    assert case.state == "resolved"


def test_two_gaps_of_a_day_are_told_apart_with_few_questions(house, noon, monkeypatch):
    counting(monkeypatch)
    early = noon - timedelta(hours=15)
    for number in range(20):
        placed(house, early + timedelta(minutes=20 * number), number, came_in=number not in (3, 19))
    look(house)
    assert len(open_items()) == 2
    asked = Counter(method for method, _ in house.shop_remote.calls)["count_order"]
    assert asked <= 45


def test_what_the_source_has_deleted_since_cannot_hide_what_is_missing_in_the_last_hour(
    house, noon, monkeypatch
):
    counting(monkeypatch)
    placed(house, noon, 1)
    house.shop_remote.feed["order"].clear()
    recent = timezone.now() - timedelta(minutes=30)
    placed(house, recent, 2, came_in=False)
    assert look(house) == "1 missing"


def test_what_was_placed_while_the_last_reading_may_have_been_under_way_is_not_missing_yet(
    house, noon, monkeypatch
):
    counting(monkeypatch)
    placed(house, whole(timezone.now()) - timedelta(seconds=1), 1, came_in=False)
    assert look(house) == "nothing new"
    Job.objects.filter(name="pull:order").update(last_began_at=None)
    placed(house, noon, 2, came_in=False)
    assert look(house) == "nothing new", "before the first whole reading everything is missing"


def test_it_is_found_within_fifteen_minutes_of_being_placed(house, monkeypatch):
    """The latest moment at which a comparison may begin that still has to see it."""
    counting(monkeypatch)
    now = timezone.now()
    reading = timedelta(seconds=house.flows.order.every)
    comparing = timedelta(seconds=Job.objects.get(name="gaps").every)
    placed(house, now - timedelta(minutes=15) + comparing + reading, 1, came_in=False)
    Job.objects.filter(name="pull:order").update(last_began_at=now)
    assert look(house) == "1 missing"


def test_what_could_not_be_read_has_its_own_case(house, noon, monkeypatch):
    counting(monkeypatch)
    placed(house, noon, 1, came_in=False)
    house.apply(house.shop, "order", Rejected("o1", "the field 'total' is missing"))
    assert look(house) == "nothing new"
    assert not Case.objects.filter(cause="gap-order").exists()


# -- a source that cannot count --


def test_numbers_left_out_are_told_until_that_time_was_read_again(house, noon):
    for number in range(40):
        placed(house, noon + timedelta(minutes=number), number, came_in=number != 21)
    assert look(house) == "1 missing"
    (item,) = open_items()
    assert item.message == "The numbers between #20 and #22 did not come in: 1 missing."
    assert gaps.fetch_missing(item.case, by="Ada") == 1
    house.work(house.shop, "backfill")
    assert Backfill.objects.get().state == "done"
    assert Order.objects.filter(external_id="o21").exists()
    assert look(house) == "nothing new"


def test_a_number_that_the_source_never_gave_is_believed_once_that_time_was_read_again(house, noon):
    for number in [each for each in range(40) if each != 21]:
        placed(house, noon + timedelta(minutes=number), number)
    assert look(house) == "1 missing"
    gaps.fetch_missing(open_items()[0].case, by="Ada")
    house.work(house.shop, "backfill")
    assert look(house) == "nothing new"
    assert not open_items()


def test_numbers_that_are_given_with_gaps_tell_nothing(house, noon):
    for number in range(40):
        placed(house, noon + timedelta(minutes=number), number * 3)
    assert look(house) == "nothing new"


# -- webhooks that did not come --


def came(house, number, *, heard, ago=timedelta(minutes=10)):
    moment = timezone.now() - ago
    placed(house, moment, number)
    Order.objects.filter(external_id=f"o{number}").update(first_seen_at=moment)
    if heard:
        Event.objects.create(
            connection=house.shop, dedupe_key=str(number), topic="order.new", kind="order",
            external_id=f"o{number}", body=b"", state="done",
        )  # fmt: skip


@pytest.mark.usefixtures("noon")
def test_webhooks_that_stay_away_are_noticed_and_asked_for_anew(house):
    for number in range(20):
        came(house, number, heard=number < 10)
    Job.objects.filter(name="hooks").update(due_at=timezone.now() + timedelta(hours=1))
    assert look(house) == "10 unheard"
    case = Case.objects.get(cause="webhooks-missed")
    assert case.title == "SHOP does not tell us of all its orders"
    assert "Of its latest 20 orders 10 came in without a webhook" in case.items.get().message
    assert Job.objects.get(name="hooks").due_at <= timezone.now(), "the portal subscribes anew by itself"
    for number in range(20, 40):
        came(house, number, heard=True)
    look(house)
    case.refresh_from_db()
    assert case.state == "resolved"


@pytest.mark.usefixtures("noon")
@pytest.mark.parametrize(
    "missed, fields",
    [
        (2, {}),
        (3, {"ago": unheard.GRACE / 2}),
    ],
    ids=["too few", "they may still come"],
)
def test_what_may_be_chance_or_may_still_come_is_no_case(house, missed, fields):
    for number in range(missed):
        came(house, number, heard=False, **fields)
    look(house)
    assert not Case.objects.exists()


@pytest.mark.usefixtures("noon")
def test_what_was_placed_long_before_it_came_in_was_not_to_be_announced(house):
    for number in range(10):
        placed(house, timezone.now() - timedelta(hours=5), number)
    Order.objects.update(first_seen_at=timezone.now() - timedelta(minutes=5))
    look(house)
    assert not Case.objects.exists()
    assert not Run.objects.filter(job__name="gaps").exists()


def test_a_source_without_webhooks_is_not_asked_for_them(house, noon, monkeypatch):
    monkeypatch.setattr(unheard, "HearsWebhooks", type("None", (), {}))
    for number in range(10):
        came(house, number, heard=False)
    assert look(house) == "nothing new"
