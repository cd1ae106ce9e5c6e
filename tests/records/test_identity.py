"""Which product or location is meant: what cannot be said for sure is a case, never a crash and never a guess."""

import pytest

from portal.connections.models import Reference
from portal.records.identity import fold
from portal.records.models import Product
from portal.sync.mending import tie, untie
from portal.sync.models import Case, Job, Operation
from tests.toys import line, location, order, product


def reference(connection, external_id, kind="product"):
    return Reference.objects.get(connection=connection, kind=kind, external_id=external_id)


def open_case():
    return Case.objects.get(state="open")


@pytest.mark.parametrize(
    "sku, cause, words",
    [
        ("NEW", "unknown-product", "has the SKU NEW, which nobody else knows"),
        ("", "no-product-key", "has no SKU"),
        ("sku 1", "look-alike-product", "looks like SKU-1 and is not the same"),
        ("ЅКU-1", "look-alike-product", "looks like SKU-1"),
        ("SKU-1", "doubled-product", "is there more than once in SHOP"),
        ("‐–—", "unknown-product", "nobody else knows"),
    ],
)
def test_a_sku_that_says_nothing_for_sure_is_a_case_and_an_untied_reference(house, sku, cause, words):
    house.apply(house.shop, "product", product(sku, "shop-2"))
    assert open_case().cause == cause
    assert words in open_case().title
    assert open_case().mend
    assert reference(house.shop, "shop-2").record_id is None
    assert reference(house.shop, "shop-1").record_id == Product.objects.get(sku="SKU-1").pk


def test_the_same_trouble_met_again_stays_one_case(house):
    for _ in range(3):
        house.apply(house.shop, "product", product("NEW", "shop-2"))
    assert open_case().items.count() == 1


def test_the_masters_empty_sku_makes_no_product(house):
    house.apply(house.erp, "product", product("", "erp-2"))
    assert not Product.objects.filter(sku="").exists()
    assert open_case().cause == "no-product-key"


def test_a_product_the_master_brings_later_ties_what_waited_and_settles_its_case(house):
    house.apply(house.shop, "product", product("NEW", "shop-2"))
    house.told(order(1, 1, line("NEW")))
    house.deliver()
    assert house.states() == ["held"]
    house.read_master(product("NEW", "erp-2"), kind="product")
    assert reference(house.shop, "shop-2").record_id == Product.objects.get(sku="NEW").pk
    assert not Case.objects.filter(state="open").exists()
    house.deliver()
    assert house.states() == ["done"]


def test_nothing_is_called_unknown_before_the_master_was_read_to_its_end(house):
    Job.objects.filter(connection=house.erp, name="pull:product").update(last_began_at=None)
    house.apply(house.shop, "product", product("NEW", "shop-2"))
    assert not Case.objects.exists()
    house.read_master(product("OTHER", "erp-3"), kind="product")
    assert open_case().cause == "unknown-product"
    house.read_master(product("NEW", "erp-2"), kind="product")
    assert reference(house.shop, "shop-2").record_id == Product.objects.get(sku="NEW").pk


def test_a_tie_by_staff_lets_go_every_operation_that_waited_at_once(house):
    house.read_master(location("VIE", "erp-vie"), kind="location")
    house.apply(house.shop, "location", location("wien-1", "shop-wien"))
    house.told(*(order(n, 1, location="shop-wien") for n in range(30)))
    house.deliver()
    assert set(house.states()) == {"held"}
    place = reference(house.erp, "erp-vie", "location").record_id
    assert tie(reference(house.shop, "shop-wien", "location"), place, "Ann") == 30
    assert set(house.states()) == {"ready"}
    assert not Case.objects.filter(state="open").exists()
    house.apply(house.shop, "location", location("wien-2", "shop-wien", 2))
    assert reference(house.shop, "shop-wien", "location").record_id == place


def test_two_ids_are_not_tied_to_one_record(house):
    house.apply(house.shop, "product", product("NEW", "shop-2"))
    with pytest.raises(ValueError, match="is tied to that record already"):
        tie(reference(house.shop, "shop-2"), Product.objects.get().pk, "Ann")


def test_what_staff_untied_stays_untied_until_somebody_ties_it(house):
    untie(reference(house.shop, "shop-1"), "Ann")
    house.apply(house.shop, "product", product("SKU-1", "shop-1", 2))
    house.read_master(product("SKU-1", "erp-1", 2), kind="product")
    assert reference(house.shop, "shop-1").record_id is None
    tie(reference(house.shop, "shop-1"), Product.objects.get().pk, "Ann")
    house.apply(house.shop, "product", product("SKU-1", "shop-1", 3))
    assert reference(house.shop, "shop-1").record_id == Product.objects.get().pk


def test_a_product_renamed_to_an_unknown_sku_is_no_longer_the_old_product(house):
    house.apply(house.shop, "product", product("OTHER", "shop-1", 2))
    assert reference(house.shop, "shop-1").record_id is None
    assert open_case().cause == "unknown-product"
    house.read_master(product("OTHER", "erp-2"), kind="product")
    assert reference(house.shop, "shop-1").record_id == Product.objects.get(sku="OTHER").pk


def test_an_order_for_an_unknown_place_is_held_for_the_place_and_only_it(house):
    house.told(order(1, 1, location="nowhere"), order(2))
    house.deliver()
    assert sorted(house.states()) == ["done", "held"]
    held = Operation.objects.get(state="held")
    assert held.message == "The location 'nowhere' is not tied to anything in ERP."
    assert open_case().title == "The location nowhere is not tied to anything in ERP"


def test_a_line_without_sku_is_held_and_not_crashed_over(house):
    house.told(order(1, 1, line("")))
    house.deliver()
    assert Operation.objects.get().cause == "missing-product"


def test_an_order_that_lacks_two_ties_is_let_go_only_when_both_are_there(house):
    house.told(order(1, 1, line("NEW"), location="shop-new"))
    house.deliver()
    assert Operation.objects.get().cause == "missing-location"
    house.read_master(location("NEWPLACE", "erp-new"), kind="location")
    house.apply(house.shop, "location", location("NEWPLACE", "shop-new"))
    house.deliver()
    assert Operation.objects.get().cause == "missing-product"
    assert [case.cause for case in Case.objects.filter(state="open")] == ["missing-product"]
    house.read_master(product("NEW", "erp-2"), kind="product")
    house.deliver()
    assert Operation.objects.get().state == "done"


@pytest.mark.parametrize(
    "one, other", [("ab-1", "AB 1"), ("АВ-1", "AB1"), ("straße", "STRASSE"), ("X０1", "xo1"), ("ﬁ", "fi")]
)
def test_what_a_person_takes_for_the_same_folds_to_the_same(one, other):
    assert fold(one) == fold(other)
