"""What the shop shows: never what is sold already, always what the ERP has in the end."""

import random
from decimal import Decimal

import pytest
from django.db.models.functions import Now

from portal.records.models import StockLevel
from portal.sdk import OutcomeUnknown, ReadAgain, RetryLater, SkipRecord
from portal.sync import pull
from portal.sync.clock import db_now
from portal.sync.decide import Outcome
from portal.sync.jobs import ensure_jobs
from portal.sync.levels import clear_doubts, doubt, store_levels
from portal.sync.mending import retry_operations
from portal.sync.models import Flow, Job, Operation
from portal.sync.outbox import claim
from portal.sync.settle import settle
from portal.sync.tasks import answer
from tests.engine import connect, flow
from tests.sync.store import HERE, THERE, believed, sell, settle_down, shown, store
from tests.toys import Toy, fails, level, line, location, loses, order, product, refund

__all__ = ["store"]


def test_a_change_in_the_erp_reaches_the_shop_and_only_the_change(store):
    store.read_master(product("SKU-2", "erp-2"), kind="product")
    store.apply(store.shop, "product", product("SKU-2", "shop-2"))
    for remote, place in (
        (store.erp_remote, ("erp-2", "erp-main")),
        (store.shop_remote, ("shop-2", "shop-main")),
    ):
        remote.stock[place] = Decimal(5)
    settle_down(store)
    store.erp_remote.stock[HERE] = Decimal(14)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert store.shop_remote.did("stock") == [(THERE, Decimal(14))]
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert len(store.shop_remote.did("stock")) == 1


def test_a_sale_the_erp_does_not_know_yet_is_kept_out_of_the_shop(store):
    sell(store, 1, 3)
    store.work(store.shop, "pull:order")
    store.erp_remote.stock[HERE] = Decimal(12)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 9
    store.deliver(store.erp)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert (shown(store), store.erp_remote.stock[HERE]) == (9, 9)


def test_a_sale_nobody_told_us_of_is_not_overwritten(store):
    sell(store, 1, 4)
    store.erp_remote.stock[HERE] = Decimal(20)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 6
    [refused] = store.operations("stock")
    assert (refused.state, refused.cause) == ("cancelled", "overtaken")
    assert StockLevel.objects.get(connection=store.shop).doubted_since
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 6, "nothing is sent before the shop's orders were read"
    store.work(store.shop, "pull:order")
    store.deliver(store.shop)
    assert shown(store) == 6, "refunds were not read yet either"
    store.work(store.shop, "pull:refund")
    store.deliver(store.shop)
    assert shown(store) == 16


def test_a_lost_answer_about_stock_ends_in_the_right_figure(store):
    store.erp_remote.stock[HERE] = Decimal(20)
    store.shop_remote.then("push_stock", loses(OutcomeUnknown("?")))
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    sell(store, 1, 1)
    settle_down(store)
    assert shown(store) == 19 == believed(store) == store.erp_remote.stock[HERE]


def test_a_figure_that_may_have_been_written_is_not_written_again_when_it_was_sold_down_since(store):
    """The write arrived, its answer did not, and the shop sold just as many as it had been given."""
    store.erp_remote.stock[HERE] = Decimal(14)
    store.shop_remote.then("push_stock", loses(OutcomeUnknown("?")))
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    sell(store, 1, 4)
    store.deliver(store.shop)
    store.work(store.shop, "pull:order")
    store.work(store.shop, "pull:refund")
    store.deliver(store.shop)
    assert shown(store) == 10
    settle_down(store)
    assert shown(store) == 10 == store.erp_remote.stock[HERE]


def test_the_buffer_is_kept_back_and_nothing_goes_below_zero(store):
    Flow.objects.filter(kind="stock").update(buffer=3)
    store.erp_remote.stock[HERE] = Decimal(8)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 5
    store.erp_remote.stock[HERE] = Decimal(-2)
    store.work(store.erp, "pull:stock")
    store.deliver(store.shop)
    assert shown(store) == 0


def test_the_full_check_finds_what_somebody_changed_in_the_shop_and_repairs_it(store):
    store.shop_remote.stock[THERE] = Decimal(99)
    assert store.work(store.shop, "check:stock") == "1 changed"
    for name in ("pull:order", "pull:refund"):
        store.work(store.shop, name)
    store.deliver(store.shop)
    assert shown(store) == 10


def test_nothing_is_sent_for_places_that_are_not_tied(store):
    store.read_master(location("SECOND", "erp-second"), kind="location")
    store.erp_remote.stock["erp-1", "erp-second"] = Decimal(7)
    store.erp_remote.stock["unknown", "erp-main"] = Decimal(7)
    store.work(store.erp, "pull:stock")
    settle_down(store)
    assert store.operations("stock") == []
    assert store.shop_remote.did("stock") == []


def test_a_newer_figure_replaces_the_one_that_waits(store):
    for pieces in (11, 12, 13):
        store.erp_remote.stock[HERE] = Decimal(pieces)
        store.work(store.erp, "pull:stock")
    assert store.states("stock") == ["cancelled", "cancelled", "ready"]
    store.erp_remote.stock[HERE] = Decimal(10)
    store.work(store.erp, "pull:stock")
    assert store.states("stock") == ["cancelled"] * 3
    store.deliver(store.shop)
    assert store.shop_remote.did("stock") == []


def test_an_older_reading_does_not_undo_a_newer_one(store):
    began = StockLevel.objects.get(connection=store.erp).observed_at
    for version, pieces, kept in ((5, 7, 7), (4, 10, 7), (5, 8, 8)):
        store.apply(store.erp, "stock", level(*HERE, pieces, version))
        assert StockLevel.objects.get(connection=store.erp).available == kept
    assert store_levels(store.erp, [], began=began) == {"untied": 0, "new": 0, "changed": 0, "unchanged": 0}


@pytest.mark.parametrize("error", [RetryLater("Busy."), SkipRecord("No.")])
@pytest.mark.parametrize("pieces", [10, 11])
def test_a_figure_that_changed_while_the_old_one_was_being_sent_in_vain_is_the_one_that_is_sent_next(
    store, error, pieces
):
    store.erp_remote.stock[HERE] = Decimal(14)
    store.work(store.erp, "pull:stock")
    [under_way] = claim(store.shop, 1)
    store.erp_remote.stock[HERE] = Decimal(pieces)
    store.work(store.erp, "pull:stock")
    settle(store.shop, [Outcome(under_way, error)])
    store.deliver(store.shop)
    assert store.shop_remote.did("stock") == [(THERE, Decimal(11))] * (pieces - 10)


def test_returned_goods_count_before_the_erp_has_booked_them(store):
    sell(store, 1, 3)
    settle_down(store)
    store.shop_remote.stock[THERE] += 1
    store.shop_remote.feed["refund"].append(refund(1, 1, restock_to="shop-main"))
    store.work(store.shop, "pull:refund")
    store.deliver(store.shop)
    assert (shown(store), believed(store)) == (8, 8)


@pytest.mark.parametrize("before_sending", [True, False])
def test_an_edited_and_a_cancelled_order_leave_the_shops_figure_as_it_is(store, before_sending):
    sold = sell(store, 1, 3)
    store.work(store.shop, "pull:order")
    if not before_sending:
        store.deliver(store.erp)
        store.work(store.erp, "pull:stock")
    store.shop_remote.stock[THERE] -= 1
    store.told(
        sold.model_copy(update={"version": 2, "lines": order(1, 1, line(quantity=4, total="40")).lines})
    )
    assert believed(store) == 6 == shown(store)
    store.shop_remote.stock[THERE] += 4
    store.told(sold.model_copy(update={"version": 3, "state": "cancelled"}))
    assert believed(store) == 10 == shown(store)
    settle_down(store)
    assert store.shop_remote.did("stock") == []
    assert store.erp_remote.stock[HERE] == 10


def test_trying_a_held_edit_again_does_not_count_its_pieces_twice(store):
    sold = sell(store, 1, 3)
    store.work(store.shop, "pull:order")
    store.deliver(store.erp)
    store.told(sold.model_copy(update={"version": 2, "note": "ring twice"}))
    second = store.operations()[1]
    Operation.objects.filter(pk=second.pk).update(state="held")
    retry_operations([second.pk], "Ann")
    assert believed(store) == 7
    assert second.effects.count() == 0


def test_a_doubt_is_not_cleared_by_a_reading_that_began_before_it(store):
    doubt(store.shop, StockLevel.objects.get(connection=store.shop).pk, "10", db_now())
    assert clear_doubts(store.shop, db_now()) == 0
    store.work(store.shop, "pull:order")
    assert clear_doubts(store.shop, db_now()) == 0
    store.work(store.shop, "pull:refund")
    assert StockLevel.objects.get(connection=store.shop).doubted_since is None


def test_what_comes_to_be_doubted_in_the_middle_of_a_reading_is_read_for_once_more_at_its_end(
    store, monkeypatch
):
    store.shop_remote.page_size = 1
    sell(store, 1, 3)
    sell(store, 2, 3)
    with monkeypatch.context() as hurried:
        hurried.setattr(pull, "BUDGET", 0.0)
        store.work(store.shop, "pull:order")
    doubt(store.shop, StockLevel.objects.get(connection=store.shop).pk, "4", db_now())
    due = Job.objects.filter(connection=store.shop, name__startswith="pull:", due_at__lte=Now())
    for _ in range(2):
        for job in due.all():
            answer(job.pk)
    assert StockLevel.objects.get(connection=store.shop).doubted_since is None
    assert not due.all().exists(), "there is nothing to read it for any more"


def test_a_figure_that_nobody_knows_is_read_and_then_the_orders_before_it_is_trusted(store):
    doubt(store.shop, StockLevel.objects.get(connection=store.shop).pk, "", db_now())
    trusted = []
    for name in ("pull:order", "pull:refund", "check:stock", "pull:order", "pull:refund"):
        store.work(store.shop, name)
        trusted.append(StockLevel.objects.get(connection=store.shop).doubted_since is None)
    assert trusted == [False] * 4 + [True]


def test_a_sale_between_reading_the_orders_and_the_figure_is_not_sold_again(store):
    """Two workers at once: the orders are read while the check is under way, and then something is bought."""

    def sale_in_between(do):
        store.work(store.shop, "pull:order")
        store.work(store.shop, "pull:refund")
        sell(store, 1, 3)
        return do()

    store.shop_remote.then("pull_stock", sale_in_between)
    store.work(store.shop, "check:stock")
    store.deliver(store.shop)
    assert shown(store) == 7
    settle_down(store)
    assert shown(store) == 7 == believed(store) == store.erp_remote.stock[HERE]


def test_reading_the_same_figure_again_does_not_put_off_the_end_of_a_doubt(store):
    since = db_now()
    doubt(store.shop, StockLevel.objects.get(connection=store.shop).pk, "10", since)
    store.work(store.shop, "check:stock")
    assert StockLevel.objects.get(connection=store.shop).doubted_since == since


def test_two_shops_are_both_told_of_what_one_of_them_sold(store, toys):
    second = connect("toyshop", "second")
    flow("stock", store.erp, second)
    flow("order", second, store.erp)
    ensure_jobs()
    store.apply(second, "location", location("MAIN", "shop-main"))
    store.apply(second, "product", product("SKU-1", "shop-1"))
    Toy.remotes["second"].stock[THERE] = Decimal(10)
    for name in ("check:stock", "pull:order"):
        store.work(second, name)
    sell(store, 1, 3)
    store.work(store.shop, "pull:order")
    store.deliver(second)
    assert Toy.remotes["second"].stock[THERE] == 7


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_in_whatever_order_nothing_is_shown_that_was_sold_and_all_ends_equal(store, seed):
    """Sales, goods received, readings, deliveries, lost answers and refusals, by dice. The witness knows what the
    shop has sold and what the ERP has; the portal is not asked."""
    dice, sold = random.Random(seed), []
    shop, erp = store.shop_remote, store.erp_remote

    def unbooked():
        booked = sum((sum(taken.values()) for taken in erp.booked.values()), Decimal(0))
        return sum(sold) - booked

    def customer():
        pieces = dice.randint(1, 3)
        if shown(store) >= pieces:
            sold.append(pieces)
            sell(store, len(sold), pieces)

    def sale_in_the_last_moment(do):
        customer()
        return do()

    steps = [
        customer,
        customer,
        lambda: erp.stock.update({HERE: erp.stock[HERE] + dice.randint(1, 4)}),
        lambda: store.work(store.shop, "pull:order"),
        lambda: store.work(store.shop, "pull:refund"),
        lambda: store.work(store.shop, "check:stock"),
        lambda: store.work(store.erp, "check:stock"),
        lambda: store.work(store.erp, "pull:stock"),
        lambda: store.work(store.erp, "pull:stock"),
        lambda: store.deliver(store.erp),
        lambda: store.deliver(store.shop),
        lambda: store.deliver(store.shop),
        lambda: shop.then("push_stock", dice.choice([sale_in_the_last_moment, loses(OutcomeUnknown("?"))])),
        lambda: shop.then("push_stock", fails(dice.choice([RetryLater("Busy."), ReadAgain("Changed.")]))),
        lambda: erp.then("push_order", dice.choice([loses, fails])(OutcomeUnknown("?"))),
    ]
    for _ in range(45):
        dice.choice(steps)()
        assert shown(store) <= erp.stock[HERE] - unbooked()
    shop.scripts.clear()
    erp.scripts.clear()
    settle_down(store)
    assert unbooked() == 0
    assert len(erp.booked) == len(sold) == len(erp.did("order"))
    assert shown(store) == erp.stock[HERE] == believed(store)
