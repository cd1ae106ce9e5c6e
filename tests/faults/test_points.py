"""No step of the engine is without its crash point."""

from datetime import timedelta

import pytest

from portal.plugins.manager import plugins
from portal.testing.crashpoints import count
from tests.engine import rings
from tests.faults.house import company
from tests.faults.plugin import Erp, Shop
from tests.faults.points import EXEMPT, engine, exempt
from tests.faults.remote import Witness
from tests.faults.story import READ, Day, differences, tell

__all__ = ["rings"]


@pytest.fixture(scope="module")
def witness():
    with Witness() as witness:
        yield witness


@pytest.fixture
def reached(transactional_db, witness, rings, monkeypatch):
    """How often the story calls each function of the engine."""
    monkeypatch.setattr(plugins(), "_connectors", {"faultshop": Shop, "faulterp": Erp})
    monkeypatch.setattr(plugins(), "jobs", list)
    monkeypatch.setattr("tests.faults.plugin.Remote.grace", timedelta(0))
    shop, erp = company(witness)
    with count(engine()) as calls:
        for part in READ:
            tell(part, [Day(1)], witness, shop, erp)
    assert Day(1).faults(witness) + differences(witness) == []
    return calls


def test_the_story_comes_by_every_function_that_is_not_exempt(reached):
    forgotten = [name for name in engine() if not reached[name] and not exempt(name)]
    assert forgotten == [], (
        "The fault kit kills no worker there. Let tests/faults/story.py come by, or name the function with the "
        "reason in EXEMPT of tests/faults/points.py."
    )


def test_every_exemption_is_of_something_that_is_there():
    names = engine()
    gone = [name for name in EXEMPT if not any(each == name or each.startswith(f"{name}.") for each in names)]
    assert gone == []
