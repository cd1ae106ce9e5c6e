"""Rows written in sets are the same rows, whatever their texts are and whatever the database."""

import json

import pytest
from django.db import IntegrityError
from django.utils import timezone

from portal.records.digest import digest
from portal.records.rows import append, insert, update
from portal.records.written import written
from portal.sdk import Found
from portal.sync.models import Beat, Fact
from tests.toys import line, order

pytestmark = pytest.mark.django_db

AWKWARD = [
    'He said "no"',
    "C:\\new\\table",
    "\\N",
    "NULL",
    "null",
    "",
    "{}",
    '{"a,b"}',
    "a\tb\nc\r",
    "it's",
    "100 %s",
    "日本 🦊",
    " edges ",
]


def test_texts_come_back_as_they_were_given_by_every_way_of_writing():
    now = timezone.now()
    append(
        Fact,
        (
            {"kind": "order", "record_id": at, "at": now, "text": text, "data": {"said": [text, None, 1.5]}}
            for at, text in enumerate(AWKWARD)
        ),
    )
    beats = [Beat(name=f"beat {at}", at=now, note=text) for at, text in enumerate(AWKWARD)]
    insert(beats)
    facts = list(Fact.objects.order_by("record_id"))
    assert [(fact.text, fact.data["said"]) for fact in facts] == [
        (text, [text, None, 1.5]) for text in AWKWARD
    ]
    assert {fact.at for fact in facts} == {now}
    assert [Beat.objects.get(pk=beat.pk).note for beat in beats] == AWKWARD
    for beat, text in zip(beats, reversed(AWKWARD), strict=True):
        beat.note = text
    update(beats, ["note"])
    assert [Beat.objects.get(pk=beat.pk).note for beat in beats] == AWKWARD[::-1]


def test_keys_are_those_that_the_database_would_have_given_and_none_is_used_twice():
    now = timezone.now()
    by_django = Beat.objects.create(name="first", at=now)
    rows = [Beat(name=f"beat {at}", at=now) for at in range(3)]
    insert(rows)
    assert [row.pk for row in rows] == [by_django.pk + 1, by_django.pk + 2, by_django.pk + 3]
    rows[-1].delete()
    after = Beat.objects.create(name="last", at=now)
    assert after.pk == by_django.pk + 4
    insert([last := Beat(name="very last", at=now)])
    assert last.pk == after.pk + 1


def test_what_a_record_is_known_by_does_not_depend_on_how_it_is_encoded():
    item = Found(order(1, 7, line("SKU-1", 2), note='a "quoted" é\\'), {"id": 1})
    data = item.record.model_dump(mode="json")
    ours = written(item)
    assert ours.data == data == json.loads(ours.data.text)
    assert ours.digest == digest({name: value for name, value in data.items() if name != "version"})
    later = written(Found(item.record.model_copy(update={"version": 8})))
    assert (later.digest, later.data["version"], json.loads(later.data.text)["version"]) == (
        ours.digest,
        8,
        8,
    )


@pytest.mark.django_db(transaction=True)
def test_rows_are_written_together_or_not_at_all():
    now = timezone.now()
    with pytest.raises(IntegrityError):
        append(Beat, [{"name": name, "at": now} for name in ("one", "other", "one")])
    with pytest.raises(IntegrityError):
        insert(Beat(name=name, at=now) for name in ("one", "other", "one"))
    assert not Beat.objects.exists()
