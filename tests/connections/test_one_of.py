"""The lookup ``one_of``: the rows that ``in`` finds, with one parameter."""

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from portal.connections.models import Reference

ODD = ['a"b', "it's", "{x,y}", "back\\slash", "", "ü", "NULL", "7"]


@pytest.fixture
def ties(house):
    for number, name in enumerate(ODD):
        Reference.objects.create(
            connection=house.shop, kind="odd", external_id=name, record_id=2**40 + number
        )
    return Reference.objects.filter(kind="odd").order_by("record_id").values_list("external_id", flat=True)


def test_texts_are_found_whatever_they_are(ties):
    assert list(ties.filter(external_id__one_of=ODD)) == ODD
    assert list(ties.filter(external_id__one_of={"ü", "u", "it''s"})) == ["ü"]


def test_whole_numbers_and_the_rows_that_belong_to_others_are_found(house, ties):
    assert list(ties.filter(record_id__one_of=[1, 2**40, 2**40 + 2])) == [ODD[0], ODD[2]]
    assert ties.filter(connection_id__one_of=[house.shop.pk]).count() == len(ODD)
    assert not ties.filter(connection__one_of=[house.erp.pk]).exists()


def test_of_nothing_the_database_is_asked_nothing(ties):
    with CaptureQueriesContext(database) as captured:
        assert not list(ties.filter(external_id__one_of=[]))
    assert not captured.captured_queries
