"""From Tryton's words to records and from records to Tryton's lines, without any server."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from plugins.tryton.amend import Amendments
from plugins.tryton.catalogue import product
from plugins.tryton.directory import Currency
from plugins.tryton.lines import order_lines, refund_lines
from plugins.tryton.parties import address_key, address_values
from plugins.tryton.prices import Rounding
from plugins.tryton.shipments import shipment
from plugins.tryton.stock import level
from plugins.tryton.walk import Walk
from plugins.tryton.wire import encoded, plain
from portal.sdk import Address, Money, RefundLine, SkipRecord, Tax
from tests.plugins.tryton.makers import change, delivery, line, order, refund

MOMENT = "2026-05-04T03:02:01.000009+00:00"


class Known:
    """Look-ups of a Tryton that knows everything asked for."""

    shipping, refund, rounding = 900, 901, 0

    def currency(self, code):
        unit = {"JPY": "1", "KWD": "0.001"}.get(code, "0.01")
        return Currency(1, code, Rounding(Decimal(unit), Decimal("0.00000001")))

    def tax(self, name, rate):
        return int(rate)

    def units(self, products):
        return dict.fromkeys(products, 1)


REFS = {("product", "TEA-001"): "11", ("product", "TEA-002"): "12", ("location", "BER"): "5"}


def test_every_value_that_json_has_no_word_for_travels():
    values = {
        "price": Decimal("1.50"),
        "when": datetime(2026, 5, 4, 3, 2, 1, 9, UTC),
        "day": date(2026, 5, 4),
    }
    assert encoded(values)["price"] == {"__class__": "Decimal", "decimal": "1.50"}
    assert plain(encoded(values)) == {"price": "1.50", "when": MOMENT, "day": "2026-05-04"}


def test_prices_with_tax_become_net_lines_and_shipping_a_line_of_its_own():
    lines = order_lines(
        change(order("1", line("TEA-001", "3", "35.70"), delivery=(delivery("4.90"),)), REFS), Known()
    )
    assert [(each.product, each.quantity, each.unit_price, each.net, each.tax) for each in lines] == [
        (11, 3, Decimal(10), Decimal("30.00"), Decimal("5.70")),
        (900, 1, Decimal("4.12"), Decimal("4.12"), Decimal("0.78")),
    ]


def test_prices_without_tax_are_taken_as_they_are():
    (only,) = order_lines(
        change(order("1", line("TEA-001", "2", "25.00", "7", "1.75"), tax_included=False), REFS), Known()
    )
    assert (only.unit_price, only.net, only.tax) == (Decimal("12.5"), Decimal("25.00"), Decimal("1.75"))


def test_an_order_that_contradicts_itself_is_held_with_both_figures():
    with pytest.raises(SkipRecord, match=r"total of 36\.00 EUR, .* add up to 35\.70 EUR") as held:
        order_lines(change(order("1", line("TEA-001", "3", "35.70"), total="36.00"), REFS), Known())
    assert held.value.cause == "totals-differ"


def test_an_unknown_sku_is_named():
    with pytest.raises(SkipRecord, match="TEA-999") as held:
        order_lines(change(order("1", line("TEA-999", "1", "1.00")), REFS), Known())
    assert held.value.cause == "missing-product"


def back(sku, quantity, total, tax, restock_to="", rate="19"):
    taxes = (Tax(name="VAT", rate=Decimal(rate), amount=Money(tax, "EUR")),)
    total = Money(total, "EUR")
    return RefundLine(
        order_line="l", sku=sku, quantity=Decimal(quantity), total=total, taxes=taxes, restock_to=restock_to
    )


def test_goods_that_came_back_return_as_themselves_and_money_without_goods_as_the_refund_product():
    record = refund(
        "r",
        "1",
        back("TEA-001", "2", "23.80", "3.80", "BER"),
        back("TEA-002", "1", "11.90", "1.90"),
        total="35.70",
    )
    lines = refund_lines(change(record, REFS), Known())
    assert [(each.product, each.quantity, each.unit_price) for each in lines] == [(11, -2, 10), (901, -1, 10)]
    assert sum(each.net + each.tax for each in lines) == Decimal("-35.70")


def test_refunded_shipping_contains_its_tax():
    record = refund(
        "r", "1", back("TEA-001", "1", "11.90", "1.90", "BER"), shipping=delivery("4.90"), total="16.80"
    )
    _, shipped = refund_lines(change(record, REFS), Known())
    assert (shipped.product, shipped.quantity, shipped.unit_price) == (900, -1, Decimal("4.12"))


def test_an_odd_cent_becomes_a_line_of_its_own_where_a_product_is_named_for_it():
    known = Known()
    asked = change(order("1", line("TEA-001", "1", "9.99", "20", tax="1.67")), REFS)
    assert len(order_lines(asked, known)) == 1
    known.rounding = 902
    goods, cent = order_lines(asked, known)
    assert (goods.net, goods.tax) == (Decimal("8.33"), Decimal("1.67"))
    assert (cent.product, cent.quantity * cent.unit_price, cent.taxes) == (902, Decimal("-0.01"), ())
    lines = (back("TEA-001", "1", "9.99", "1.67", "BER", rate="20"),)
    goods, cent = refund_lines(change(refund("r", "1", *lines, total="9.99"), REFS), known)
    assert (goods.quantity, goods.net, goods.tax) == (-1, Decimal("-8.33"), Decimal("-1.67"))
    assert cent.quantity * cent.unit_price == Decimal("0.01")


def test_an_adjustment_in_the_shops_favour_lowers_the_refund():
    record = refund(
        "r", "1", back("TEA-001", "1", "11.90", "1.90", "BER"), adjustment=Money("-2", "EUR"), total="9.90"
    )
    _, fee = refund_lines(change(record, REFS), Known())
    assert (fee.product, fee.quantity, fee.unit_price) == (901, 1, 2)


def test_addresses_are_the_same_place_however_they_are_spaced():
    wanted = address_values(
        Address(name="  Leer  Raum ", street="\u00a0Gasse\t3", city="Wien", region="W", country="AT")
    )
    there = {"party_name": "Leer Raum", "street": "Gasse 3", "city": "Wien, W", "country": {"code": "AT"}}
    assert address_key(wanted) == address_key(there)
    assert address_key(wanted) != address_key(there | {"city": "Graz"})


def existing(identifier, product_id, quantity, price="10", taxes=(19,)):
    line = {"id": identifier, "type": "line", "product": product_id, "unit": 1, "taxes": list(taxes)}
    return line | {"quantity": str(quantity), "unit_price": price}


def plan(lines, *wanted):
    found = Amendments(None, None).plan(
        {"lines": lines}, order_lines(change(order("1", *wanted), REFS), Known())
    )
    return None if found is None else [(each["line"], each["quantity"]) for each in found]


def test_a_changed_quantity_is_one_amendment_and_what_stays_is_left_alone():
    lines = [existing(1, 11, 3), existing(2, 12, 1)]
    assert plan(lines, line("TEA-001", "2", "23.80"), line("TEA-002", "1", "11.90")) == [(1, 2.0)]


def test_a_line_taken_away_goes_to_zero_and_may_come_back():
    assert plan([existing(1, 11, 3), existing(2, 12, 1)], line("TEA-001", "3", "35.70")) == [(2, 0.0)]
    assert plan([existing(1, 11, 0)], line("TEA-001", "3", "35.70")) == [(1, 3.0)]


def test_of_two_lines_of_one_product_the_equal_one_stays():
    lines = [existing(1, 11, 3), existing(2, 11, 1)]
    assert plan(lines, line("TEA-001", "1", "11.90"), line("TEA-001", "2", "23.80")) == [(1, 2.0)]


def test_a_new_line_cannot_be_amended():
    assert plan([existing(1, 11, 3)], line("TEA-001", "3", "35.70"), line("TEA-002", "1", "11.90")) is None


def test_a_shipment_names_its_carrier_tracking_and_goods():
    move = {
        "quantity": "2.0",
        "origin": "sale.line,7",
        "product": {"code": "TEA-001"},
        "last_modified_at": MOMENT,
    }
    raw = {
        "id": 4,
        "order": "o1",
        "number": "S4",
        "state": "done",
        "effective_date": "2026-05-04",
        "last_modified_at": MOMENT,
        "shipping_reference": "T1",
        "carrier": {"party": {"name": "Österreichische Post"}},
        "root_packages": [{"shipping_reference": "T2", "shipping_tracking_url": "https://post.test/T2"}],
        "outgoing_moves": [move],
    }
    record = shipment(raw)
    assert (record.order_id, record.carrier, record.tracking) == ("o1", "Österreichische Post", "T1, T2")
    assert record.tracking_url == "https://post.test/T2"
    assert [(each.sku, each.quantity, each.order_line) for each in record.lines] == [("TEA-001", 2, "7")]
    assert record.shipped_at.isoformat() == MOMENT
    assert (
        shipment(raw | {"effective_date": "2026-05-01"}).shipped_at.isoformat() == "2026-05-01T12:00:00+00:00"
    )


def test_what_is_promised_is_not_available():
    raw = {"product": 1, "warehouse": 5, "code": "TEA-001", "quantity": "7.0", "promised": "9.0"}
    assert level(raw, version=3).available == -2


def test_a_product_has_changed_when_its_template_has():
    raw = {"id": 1, "code": None, "active": True, "list_price_used": "12.50", "last_modified_at": MOMENT}
    later = MOMENT.replace("2026", "2027")
    record = product(raw | {"template": {"name": "Чай", "last_modified_at": later}}, currency="EUR")
    assert (record.sku, record.title, record.price) == ("", "Чай", Money("12.50", "EUR"))
    assert datetime.fromtimestamp(record.version / 1e6, UTC).year == 2027


def test_a_cursor_survives_as_text_in_the_middle_of_a_walk():
    walk = Walk(None, datetime.fromisoformat(MOMENT)).at(200)
    assert Walk.begin(str(walk), None) == walk
    walk = Walk(datetime.fromisoformat(MOMENT), datetime.fromisoformat(MOMENT), 7)
    assert Walk.begin(str(walk), None) == walk
