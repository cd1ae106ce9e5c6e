"""Many values go to the database as one, and find what the lookup ``in`` finds."""

import pytest

from portal.connections.models import Connection, Reference

pytestmark = pytest.mark.django_db

NAMES = ("plain", "it's", 'a "quoted" one', "{braces, too}", "back\\slash", "Käse 🧀", "NULL", "1", "")


@pytest.fixture
def many():
    return Connection.objects.bulk_create(
        Connection(slug=f"c{number}", name=name, connector="toy") for number, name in enumerate(NAMES)
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_text_is_found_whatever_is_in_it(many, name):
    found = Connection.objects.filter(name__one_of={name, "not there"})
    assert list(found.values_list("name", flat=True)) == [name]


def test_numbers_are_found_also_more_than_a_statement_takes_parameters(many):
    keys = {each.pk for each in many[:3]}
    assert set(Connection.objects.filter(pk__one_of=[*keys, *range(10**9, 10**9 + 70_000)])) == set(many[:3])


def test_a_number_is_taken_for_the_text_that_the_column_holds(many):
    assert Connection.objects.get(name__one_of=[1, "not there"]).name == "1"


def test_what_is_one_of_none_is_not_asked_for(many, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert not list(Connection.objects.filter(pk__one_of=[]))
    assert Connection.objects.exclude(pk__one_of=[]).count() == len(NAMES)


def test_what_belongs_to_another_row_is_found_by_its_key(house):
    ties = Reference.objects.filter(kind="product")
    assert (
        ties.filter(connection_id__one_of=[house.shop.pk]).count()
        == ties.filter(connection=house.shop).count()
        > 0
    )
    assert not ties.filter(connection__one_of=[10**9]).exists()
