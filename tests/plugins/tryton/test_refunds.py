"""Refunds against a real Tryton: goods back on the shelf, credit notes posted."""

from decimal import Decimal

import pytest

from plugins.tryton.lines import refund_lines
from portal.sdk import Money, RefundLine, SkipRecord, Tax
from tests.plugins.tryton.makers import change, delivery, line, order, refund

pytestmark = pytest.mark.tryton


@pytest.fixture
def sold(order_id, send):
    """An order of three, one and shipping: 37.50 + 9.99 + 4.90 EUR, leaving from BER."""
    send(
        order(
            order_id,
            line("TEA-005", "3", "37.50"),
            line("TEA-006", "1", "9.99", "7"),
            delivery=(delivery("4.90"),),
        )
    )
    return order_id


def back(sku, quantity, total, tax, rate="19", restock_to=""):
    taxes = (Tax(name="VAT", rate=Decimal(rate), amount=Money(tax, "EUR")),)
    return RefundLine(
        order_line="l",
        sku=sku,
        quantity=Decimal(quantity),
        total=Money(total, "EUR"),
        taxes=taxes,
        restock_to=restock_to,
    )


def returned(ledger, refund_id):
    return next(each for each in ledger.returns() if each.refund_id == refund_id)


def test_a_whole_refund_with_restock_brings_everything_back(sold, send, look, ledger):
    before = ledger.stock()
    record = refund(
        f"r-{sold}",
        sold,
        back("TEA-005", "3", "37.50", "5.99", restock_to="BER"),
        back("TEA-006", "1", "9.99", "0.65", "7", "BER"),
        shipping=delivery("4.90"),
        total="52.39",
    )
    assert look(record) is None
    receipt = send(record)
    assert receipt.remote_id == f"R-r-{sold}"
    found = returned(ledger, f"r-{sold}")
    assert (found.total, found.currency, found.posted, found.received) == (
        Decimal("52.39"),
        "EUR",
        True,
        True,
    )
    after = ledger.stock()
    assert after["TEA-005", "BER"] - before["TEA-005", "BER"] == 3
    assert after["TEA-006", "BER"] - before["TEA-006", "BER"] == 1
    assert look(record).remote_id == receipt.remote_id


def test_a_partial_refund_restocks_where_the_goods_went(sold, send, ledger):
    before = ledger.stock()
    send(refund(f"r-{sold}", sold, back("TEA-005", "1", "12.50", "2.00", restock_to="VIE"), total="12.50"))
    after = ledger.stock()
    assert after["TEA-005", "VIE"] - before["TEA-005", "VIE"] == 1
    assert after["TEA-005", "BER"] == before["TEA-005", "BER"]


def test_money_without_goods_moves_no_stock(sold, send, ledger):
    before = ledger.stock()
    record = refund(
        f"r-{sold}",
        sold,
        back("TEA-005", "2", "25.00", "3.99"),
        adjustment=Money("-1.50", "EUR"),
        total="23.50",
    )
    send(record)
    found = returned(ledger, f"r-{sold}")
    assert (found.total, found.posted) == (Decimal("23.50"), True)
    assert ledger.stock() == before


def test_a_refund_sent_twice_is_one_credit_note(sold, send, ledger):
    record = refund(f"r-{sold}", sold, back("TEA-005", "1", "12.50", "2.00", restock_to="BER"), total="12.50")
    before = ledger.stock()["TEA-005", "BER"]
    first, second = send(record), send(record, f"R-r-{sold}")
    assert first.data == second.data == send(record).data
    assert sum(each.refund_id == f"r-{sold}" for each in ledger.returns()) == 1
    assert ledger.stock()["TEA-005", "BER"] == before + 1


@pytest.mark.parametrize("presses", [[], ["quote"], ["quote", "confirm"]])
def test_a_refund_that_died_half_way_is_finished_by_the_next(presses, sold, send, look, ledger, tryton, refs):
    record = refund(f"r-{sold}", sold, back("TEA-005", "1", "12.50", "2.00", restock_to="BER"), total="12.50")
    job, asked = tryton._refunds, change(record, refs)
    lines = refund_lines(asked, tryton._directory)
    draft, _ = job._sales.make(f"R-r-{sold}", job._values(asked, "Refund"), lines)
    for button in presses:
        tryton._client.press("sale.sale", draft["id"], button)
    assert look(record) is None
    assert send(record).data["id"] == draft["id"]
    found = returned(ledger, f"r-{sold}")
    assert found.posted
    assert found.received
    assert look(record).data["id"] == draft["id"]


def test_a_refund_that_tryton_computes_otherwise_is_held(sold, send, look, ledger):
    record = refund(f"r-{sold}", sold, back("TEA-005", "1", "12.50", "2.10", restock_to="BER"), total="12.50")
    with pytest.raises(
        SkipRecord, match=r"line 1 \(TEA-005 × 1\): the source says -10\.40 \+ -2\.10 tax"
    ) as held:
        send(record)
    assert held.value.cause == "totals-differ"
    assert returned(ledger, f"r-{sold}").state == "draft"
    assert look(record) is None


def test_a_refund_of_an_order_that_was_cancelled_is_held(order_id, send):
    send(order(order_id, line("TEA-005", "1", "12.50")))
    send(order(order_id, line("TEA-005", "1", "12.50"), state="cancelled"), order_id)
    record = refund(f"r-{order_id}", order_id, back("TEA-005", "1", "12.50", "2.00"), total="12.50")
    with pytest.raises(SkipRecord, match="was cancelled in Tryton") as held:
        send(record)
    assert held.value.cause == "order-not-there"


def test_goods_that_came_back_to_two_places_are_held(sold, send):
    record = refund(
        f"r-{sold}",
        sold,
        back("TEA-005", "1", "12.50", "2.00", restock_to="BER"),
        back("TEA-006", "1", "9.99", "0.65", "7", "VIE"),
        total="22.49",
    )
    with pytest.raises(SkipRecord, match="2 places"):
        send(record)


def test_an_order_of_which_a_part_was_refunded_is_not_cancelled(sold, send):
    send(refund(f"r-{sold}", sold, back("TEA-005", "1", "12.50", "2.00"), total="12.50"))
    cancelled = order(sold, line("TEA-005", "3", "37.50"), state="cancelled")
    with pytest.raises(SkipRecord, match="already refunded") as held:
        send(cancelled, sold)
    assert held.value.cause == "too-late-to-change"
