from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from portal.sdk import Misconfigured, Money, RetryLater, capabilities
from portal.testing.shop import Plan, ShopServer
from tests.waiting import eventually


def everything(pages):
    return [found.record for page in pages for found in page.found]


@pytest.fixture(scope="module")
def busy_shop():
    """A shop after its day; to be read, not changed."""
    with ShopServer() as shop:
        shop.day.start(seconds=0)
        eventually(lambda: shop.day.progress()["state"] == "done", so_far=shop.day.progress)
        yield shop


def test_the_connector_has_the_capabilities_it_is_switched_on_by(connector):
    for capability in [
        "PullsLocations",
        "PullsProducts",
        "PullsStock",
        "PullsOrders",
        "PullsRefunds",
        "FetchesOrders",
        "FetchesRefunds",
        "PushesStock",
        "PushesShipments",
        "HearsWebhooks",
    ]:
        assert isinstance(connector, getattr(capabilities, capability)), capability
    assert not isinstance(connector, capabilities.PushesOrders)
    assert connector.check() == "Teehaus Drei Länder, sells in EUR, USD, JPY, KWD."


def test_locations_products_and_stock_are_read_whole(connector):
    assert {place.code: place.external_id for place in everything(connector.pull_location(None))} == {
        "BER": "loc-1", "wien-1": "loc-2", "LIN": "loc-3",
    }  # fmt: skip
    products = {product.sku: product for product in everything(connector.pull_product(None))}
    assert len(products) == 61
    assert (products["TEA-001"].external_id, products["TEA-001"].price) == ("v101", Money("12.50", "EUR"))
    levels = everything(connector.pull_stock(None))
    assert len({(level.product_id, level.location_id) for level in levels}) == 61 * 3


def test_every_order_of_the_day_is_read_and_its_money_adds_up(busy_shop, connect):
    orders = everything(connect(busy_shop).pull_order(None))
    assert len({order.external_id for order in orders}) == len(orders) == 320
    for order in orders:
        total = Money(0, order.currency)
        for line in (*order.lines, *order.delivery):
            total += line.total
            for tax in () if order.tax_included else line.taxes:
                total += tax.amount
        assert total == order.total
        for line in order.lines:
            discounts = sum((discount.amount.amount for discount in line.discounts), Decimal(0))
            assert line.unit_price.amount * line.quantity - discounts == line.total.amount
            assert all(discount.amount for discount in line.discounts)
        assert order.paid in (order.total, Money(0, order.currency))
    assert {order.state for order in orders} == {"open", "cancelled"}
    assert any(order.customer.external_id for order in orders)
    assert any(not order.customer.external_id and order.customer.name for order in orders)


def test_every_refund_of_the_day_is_read_and_its_parts_come_to_its_total(busy_shop, connect):
    refunds = everything(connect(busy_shop).pull_refund(None))
    assert len(refunds) == 45
    for refund in refunds:
        parts = [line.total for line in refund.lines] + ([refund.shipping.total] if refund.shipping else [])
        assert sum((part.amount for part in parts), Decimal(0)) == refund.total.amount
    places = {line.restock_to for refund in refunds for line in refund.lines}
    assert places == {"", "loc-1", "loc-2", "loc-3"}


def test_odd_skus_are_told_apart_to_the_last_character(connect):
    with ShopServer(odd=frozenset({"doubled", "lookalike"})) as shop:
        skus = [product.sku for product in everything(connect(shop).pull_product(None))]
    assert skus.count("TEA-005") == 2
    assert {"TEA-002", "TEA-002 ", "tea-001", "ТЕА-003", "TEA\u2011004"} <= set(skus)


@pytest.mark.parametrize("precision", ["seconds", "micros"])
def test_reading_goes_on_at_its_cursor_and_misses_nothing_of_the_same_moment(precision, connect, an_order):
    with ShopServer(precision=precision) as shop:
        connector = connect(shop)
        for _ in range(3):
            shop.trade.place(an_order())
        *_, last = connector.pull_order(None)
        late = shop.trade.place(an_order())
        changed = shop.trade.cancel("o1001")
        again = {order.external_id: order.version for order in everything(connector.pull_order(last.cursor))}
    assert again[late["id"]] == 1
    assert again["o1001"] == changed["revision"] == 2


def test_each_page_has_the_cursor_that_reads_only_the_rest(shop, connector, an_order):
    for _ in range(45):
        shop.trade.place(an_order())
    first, *_ = connector.pull_order(None)
    assert len(first.found) == 20
    rest = everything(connector.pull_order(first.cursor))
    assert [order.external_id for order in rest] == [f"o{number}" for number in range(1021, 1046)]


def test_nothing_new_leaves_the_cursor_where_it_was(shop, connector):
    (empty,) = connector.pull_order("2040-01-01T00:00:00Z")
    assert (empty.found, empty.cursor) == ((), "2040-01-01T00:00:00Z")


def test_fetching_by_id_leaves_out_what_is_gone(shop, connector, an_order):
    orders = [shop.trade.place(an_order()) for _ in range(120)]
    ids = [order["id"] for order in orders]
    refund = shop.trade.refund(ids[0], [{"line": orders[0]["lines"][0]["id"], "quantity": 1}])
    fetched = connector.fetch_order([*ids, "o9"])
    assert [found.record.external_id for found in fetched.found] == ids
    assert fetched.found[0].raw["number"] == fetched.found[0].record.number == "#1001"
    assert [found.record.order_id for found in connector.fetch_refund([refund["id"], "r9"]).found] == [ids[0]]
    assert connector.fetch_order([]).found == ()


def test_an_order_that_makes_no_sense_is_set_aside_and_its_neighbour_passes(shop, connector, an_order):
    broken, sound = shop.trade.place(an_order()), shop.trade.place(an_order())
    broken["captured"] = "lots"
    shop.store.save("order", broken)
    page = connector.fetch_order([broken["id"], sound["id"]])
    assert [found.record.external_id for found in page.found] == [sound["id"]]
    assert [(each.external_id, each.reason) for each in page.rejected] == [
        (broken["id"], "'lots' is not an amount of money")
    ]


def test_an_amount_of_minus_zero_is_no_discount(shop, connector, an_order):
    placed = shop.trade.place(an_order(lines=[{"sku": "CUP-001", "quantity": 1, "minus_zero": True}]))
    assert placed["lines"][0]["discount"] == "-0.00"
    (found,) = connector.fetch_order([placed["id"]]).found
    assert found.record.lines[0].discounts == ()


@pytest.mark.parametrize(
    "kind", ["throttled", "throttled_until", "error_before", "reset_before", "truncated", "malformed", "html"]
)
def test_a_read_that_failed_is_tried_later(shop, connector, kind):
    shop.faults.use(Plan(retry_after=30))
    shop.faults.next(kind)
    with pytest.raises(RetryLater) as caught:
        list(connector.pull_order(None))
    if kind.startswith("throttled"):
        assert 25 < caught.value.after.total_seconds() <= 30
        assert caught.value.whole_connection
    assert list(connector.pull_order(None))


def test_reading_on_from_the_last_page_ends_complete_however_often_it_fails(busy_shop, connect):
    connector, seen, cursor, failures = connect(busy_shop), set(), None, 0
    busy_shop.faults.use(
        Plan(rate=0.4, latency=0, kinds=("error_before", "reset_after", "truncated", "html", "latency"))
    )
    try:
        for _ in range(200):
            try:
                for page in connector.pull_order(cursor):
                    seen |= {found.record.external_id for found in page.found}
                    cursor = page.cursor
                break
            except RetryLater:
                failures += 1
    finally:
        busy_shop.faults.use(Plan())
    assert len(seen) == 320
    assert failures > 0


def test_what_a_person_must_mend_is_said_in_a_sentence_without_the_token(shop, connect):
    with pytest.raises(Misconfigured, match=r"refused our credentials .*HTTP 401.* Enter the key") as wrong:
        connect(shop, token="wrong-token").check()
    shop.faults.next("login_page")
    with pytest.raises(Misconfigured, match="a web page instead of JSON"):
        connect(shop).check()
    with pytest.raises(RetryLater, match="cannot be reached"):
        connect(shop, url="http://127.0.0.1:9").check()
    assert "wrong-token" not in f"{wrong.value!r} {connect(shop, token='wrong-token').http!r}"


def test_a_span_of_time_is_counted_and_read_by_the_shops_clock_in_any_offset(busy_shop, connect):
    connector = connect(busy_shop)
    orders = everything(connector.pull_order(None))
    placed = sorted(order.placed_at for order in orders)
    since, until = placed[100], placed[200]
    there = {order.external_id for order in orders if since <= order.placed_at < until}
    elsewhere = timezone(timedelta(hours=-5))
    for begin, end in ((since, until), (since.astimezone(elsewhere), until.astimezone(elsewhere))):
        assert connector.count_order(begin, end) == len(there) >= 100
        assert {order.external_id for order in everything(connector.read_order(begin, end, None))} == there
    refunds = everything(connector.pull_refund(None))
    first = min(refund.refunded_at for refund in refunds)
    assert connector.count_refund(first, first + timedelta(days=1)) == len(refunds)
    assert len(everything(connector.read_refund(first, first + timedelta(days=1), None))) == len(refunds)


@pytest.mark.parametrize("precision", ["seconds", "micros"])
def test_a_walk_stopped_after_any_page_goes_on_though_more_changed_in_one_instant_than_a_page_holds(
    precision, connect, an_order
):
    with ShopServer(precision=precision, page_size=2) as shop:
        placed = [shop.trade.place(an_order())["id"] for _ in range(7)]
        connector, met, cursor = connect(shop), [], None
        for _ in range(4):
            page = next(connector.pull_order(cursor))
            met += [found.record.external_id for found in page.found]
            cursor = page.cursor
        assert met == placed
        span = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        first = next(connector.read_order(*span, None))
        assert len(everything(connector.read_order(*span, first.cursor))) == 5
