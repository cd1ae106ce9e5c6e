"""People are found as anybody might type their names, on every database."""

import pytest
from django.urls import reverse

from portal.records.models import Order, Refund
from portal.records.names import fold_name, searchable
from portal.records.store import store
from portal.records.written import written
from portal.sdk import Customer, Found
from tests.toys import NOON, order


@pytest.fixture
def customers(world):
    shop, _ = world
    for number, name in enumerate(
        ["Jörg Müller", "Siobhán O’Brien", "Łukasz Ørsted", "Özgür Aßmann"], start=900
    ):
        one = order(number, customer=Customer(name=name, email=f"c{number}@example.com"))
        store(shop, "order", [written(Found(one))], NOON)


TYPED = {
    "müller": "#900",
    "MULLER": "#900",
    "Mueller jörg": "#900",
    "JÖRG": "#900",
    "obrien": "#901",
    "o'brien": "#901",
    "Siobhan O’Brien": "#901",
    "lukasz orsted": "#902",
    "assmann": "#903",
    "OEZGUER": "#903",
    "c903@example.com": "#903",
}


def test_a_customer_is_found_however_the_name_is_typed(boss, customers):
    def found(typed):
        answer = boss.get(reverse("admin:records_order_changelist"), {"q": typed})
        return [row.number for row in answer.context["cl"].result_list]

    assert {typed: found(typed) for typed in TYPED} == {typed: [number] for typed, number in TYPED.items()}
    assert found("müller siobhan") == [], "every word has to be there"


def test_refunds_and_shipments_are_found_by_their_order_s_customer(boss, world):
    refund = Refund.objects.filter(order__isnull=False).first()
    Order.objects.filter(pk=refund.order_id).update(people=searchable(["Zoë D'Arc"]))
    answer = boss.get(reverse("admin:records_refund_changelist"), {"q": "zoe darc"})
    assert list(answer.context["cl"].result_list) == [refund]
    assert boss.get(reverse("admin:records_shipment_changelist"), {"q": "zoe darc"}).status_code == 200


def test_folding_leaves_plain_words():
    assert fold_name("  O’Brien-Müller,  Anne ") == "obrien muller anne"
    assert fold_name("日本 Ⅳ") == "日本 iv"
    assert searchable(["Jörg Müller", "Jörg Müller"]) == "jorg muller joerg mueller"


def test_money_has_its_thousands_apart(boss, world):
    Order.objects.update(total_minor=123456789, currency="EUR")
    assert "1,234,567.89 EUR" in boss.get(reverse("admin:records_order_changelist")).content.decode()
    today = boss.get(reverse("admin:index")).context["today"][0]
    assert all("," in figure for figure in today["sums"])
