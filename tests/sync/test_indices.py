"""Each index is written with its row and again when its row changes: none is kept that another one contains."""

import pytest
from django.apps import apps
from django.db import models

OURS = [app for app in apps.get_app_configs() if app.name.partition(".")[0] in ("portal", "plugins")]


def own_models():
    return [model for app in OURS for model in app.get_models()]


def whole(model):
    """The columns of each index that holds every row: (name, columns)."""
    meta = model._meta
    given = [
        *((each.name, each.fields) for each in meta.indexes if each.condition is None),
        *(
            (each.name, each.fields)
            for each in meta.constraints
            if isinstance(each, models.UniqueConstraint) and each.condition is None
        ),
    ]
    named = [(name, [column.lstrip("-") for column in columns]) for name, columns in given]
    return named + [
        (field.name, [field.name]) for field in meta.local_fields if field.db_index or field.unique
    ]


@pytest.mark.parametrize("model", own_models(), ids=lambda model: model.__name__)
def test_no_index_is_the_beginning_of_another(model):
    indices = whole(model)
    twice = [
        f"{name} of {other}"
        for name, columns in indices
        for other, longer in indices
        if name != other and longer[: len(columns)] == columns
    ]
    assert twice == []


@pytest.mark.parametrize("model", own_models(), ids=lambda model: model.__name__)
def test_no_text_has_a_second_index_for_patterns(model):
    """On PostgreSQL ``db_index`` makes two of a text, one for its beginnings, by which nobody asks."""
    fields = model._meta.local_fields
    assert [
        field.name
        for field in fields
        if field.db_index and not field.unique and isinstance(field, models.CharField)
    ] == []
