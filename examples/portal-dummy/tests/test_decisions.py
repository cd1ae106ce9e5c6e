"""What Dummy answers when it is asked: pure functions, tried without a portal."""

from decimal import Decimal

from portal_dummy.decisions import availability, match, route
from portal.sdk import ConnectionInfo, FlowInfo, Hold, LeaveOut, Match, Offer, StockLevel, Unmatched
from test_contract import ORDER

SHOP, ERP = (ConnectionInfo(slug, slug.upper(), "dummy") for slug in ("shop", "erp"))
FLOW = FlowInfo("order", SHOP, ERP)


def noted(note):
    return list(route(FLOW, [ORDER.model_copy(update={"note": note})]))


def test_a_test_is_left_out_a_question_held_and_all_else_goes():
    assert noted("test") == [LeaveOut("o1", "It is a test, so ERP does not need it.")]
    assert isinstance(noted("Is it blue?")[0], Hold)
    assert noted("Please ring twice.") == []


def test_pieces_are_kept_back_and_never_more_than_there_are():
    level = StockLevel(external_id="s1", version=1, product_id="1", location_id="L", available=7)
    assert list(availability([level], 2)) == [Offer("s1", Decimal(5))]
    assert list(availability([level], 9)) == [Offer("s1", Decimal(0))]
    assert list(availability([level], 0)) == []


def test_a_key_with_the_prefix_means_ours_without_it():
    asked = [Unmatched("1", "DUMMY-MUG"), Unmatched("2", "MUG")]
    assert list(match(asked)) == [Match("1", "MUG")]
