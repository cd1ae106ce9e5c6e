"""An answer of another shape than is wanted is told by what came instead."""

import pytest

from portal.sdk import (
    OutcomeUnknown,
    RetryLater,
)
from tests.sdk.servers import answers


def test_json_of_the_expected_shape_is_handed_over(http, httpserver):
    answers(httpserver, '{"items": [1], "page": {"next": null}}')
    answer = http.get("/thing")
    assert (answer.list("items"), answer.object("page"), answer.object()["items"]) == (
        [1],
        {"next": None},
        [1],
    )


@pytest.mark.parametrize(
    "body, path, said",
    [
        ('{"error": "x"}', ["items"], "an object without “items”, where “items” is wanted as a list"),
        ('{"items": {}}', ["items"], "an object, where “items” is wanted as a list"),
        ('{"items": null}', ["items"], "nothing, where “items” is wanted as a list"),
        ("[]", ["items"], "a list, where an object is wanted"),
        ('"busy"', ["data", "items"], "a text, where an object is wanted"),
        ('{"data": 7}', ["data", "items"], "a number, where “data” is wanted as an object"),
        ("true", [], "yes or no, where a list is wanted"),
    ],
)
def test_json_of_another_shape_is_told_with_what_came_instead(http, httpserver, body, path, said):
    answers(httpserver, body)
    with pytest.raises(RetryLater) as caught:
        http.get("/thing").list(*path)
    assert str(caught.value) == f"{http} answered GET /thing with {said}."
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").list(*path)


def test_a_value_that_is_not_there_is_told_as_well(http, httpserver):
    answers(httpserver, '{"id": 7, "next": null}')
    assert [http.get("/thing").value(name) for name in ("id", "next")] == [7, None]
    with pytest.raises(RetryLater, match="with an object without “key”, where “key” is wanted as a value"):
        http.get("/thing").value("key")
    with pytest.raises(OutcomeUnknown):
        http.post("/thing").value("key")
