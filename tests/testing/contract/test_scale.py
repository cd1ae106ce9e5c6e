"""The quality scale: its rules cover the contract, and a rating is worth what is proven for the source as it is."""

import sys
from collections import Counter
from importlib import import_module
from types import SimpleNamespace

import pytest

from plugins.demoshop.connector import DemoShop
from plugins.tryton import Tryton
from portal.sdk import Connector, Field, Promise, SecretStr, Settings
from portal.testing import report
from portal.testing.registry import case_names, checks
from portal.testing.report import NotRated, outcomes_of, rating, source_digest, write
from portal.testing.scale import OF_THE_REMOTE, RULES, Level, rate
from tests.testing.contract.orchard import Orchard

HOW = "certify it anew: ./run test tests/plugins/{0}/test_contract.py --certify"
WELL = {name: "passed" for check in checks() for name in case_names(DemoShop, check)}


def test_every_check_belongs_to_one_rule():
    named = Counter(check for rule in RULES for check in rule.checks)
    assert named == Counter(list(checks()))
    assert set(checks()) >= OF_THE_REMOTE


def test_every_rule_says_why_and_how_it_is_proven():
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why.endswith(".") and bool(rule.checks) != bool(rule.trait) for rule in RULES)
    assert [rule.level for rule in RULES] == sorted(rule.level for rule in RULES)


@pytest.mark.parametrize(("connector", "level"), [(DemoShop, Level.PLATINUM), (Tryton, Level.PLATINUM)])
def test_bundled_connectors_hold_their_rating(connector, level):
    rated = rating(connector)
    assert rated.level == level, HOW.format(connector.key)


def test_what_the_reports_of_bundled_connectors_waive_is_what_their_tests_waive():
    assert list(rating(DemoShop).waived) == ["currencies-have-their-own-cents-product"]
    assert list(rating(Tryton).waived) == ["currencies-have-their-own-cents-product"]


@pytest.mark.parametrize(
    ("case", "outcome", "level"),
    [
        ("it-has-a-name", "passed", Level.PLATINUM),
        ("logs-hide-secrets", "failed: A secret stands in a log.", None),
        ("a-lost-answer-is-in-doubt-stock", "failed: Raise OutcomeUnknown.", Level.BRONZE),
        ("unicode-survives-reading-order", "failed: It arrives as “?”.", Level.SILVER),
        ("unicode-survives-reading-order", "waived: Our customers write ASCII only.", Level.SILVER),
        ("currencies-have-their-own-cents-order", "waived: It sells in EUR only.", Level.PLATINUM),
        ("several-secrets-are-active", "", Level.SILVER),
        ("stock-is-compared-stock", "waived: It has no compare-and-set.", Level.SILVER),
    ],
)
def test_a_level_needs_every_rule_up_to_it(case, outcome, level):
    rated = rate(DemoShop, WELL | {case: outcome})
    assert rated.level == level
    if level is not Level.PLATINUM:
        (unproven,) = rated.next_level
        assert case in unproven.why[0]


class Explained(Settings):
    url: str = Field(title="Address", description="Where it answers.")
    token: SecretStr = Field(title="Token")


class Bare(Settings):
    url: str = Field(title="Address")


def made(**members):
    return type("Made", (Connector,), {"key": "made", "title": "Made", "Settings": Explained} | members)


@pytest.mark.parametrize(
    ("rule", "good", "bad", "says"),
    [
        ("settings-are-explained", {}, {"Settings": Bare}, "url have no description"),
        (
            "doubts-can-be-settled",
            {"promises": {"stock": Promise.SEARCHABLE}},
            {"promises": {"stock": Promise.NOTHING}},
            "Nothing is promised for stock",
        ),
        (
            "nothing-is-searched-for",
            {"promises": {"stock": Promise.ABSOLUTE}},
            {"promises": {"stock": Promise.SEARCHABLE}},
            "stock can at best be searched for",
        ),
        (
            "orders-are-told-at-once",
            {"pull_order": None, "hear": None, "subscribe": None, "fetch_order": None},
            {"pull_order": None},
            "no hear, subscribe, fetch_order",
        ),
        (
            "it-is-typed",
            {"pull_order": DemoShop.pull_order},
            {"pull_order": Orchard.pull_order},
            "not annotated: pull_order",
        ),
    ],
)
def test_a_trait_is_seen_and_what_lacks_it_is_told(rule, good, bad, says):
    trait = next(each.trait for each in RULES if each.name == rule)
    assert trait(made(**good)) == ""
    assert says in trait(made(**bad))


SOURCE = """
from portal.sdk import Connector

class Fruit(Connector):
    key, title = "fruit", "Fruit"
"""


@pytest.fixture
def fruit(tmp_path, monkeypatch):
    """A connector in a package of its own that no distribution announces."""
    package = tmp_path / "portal_fruit"
    package.mkdir()
    (package / "__init__.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("portal_fruit").Fruit
    for name in [each for each in sys.modules if each.partition(".")[0] == "portal_fruit"]:
        del sys.modules[name]


def test_a_report_travels_in_the_package_and_holds_for_its_source_alone(fruit):
    with pytest.raises(NotRated, match="comes without a report of the contract. Its author rates it"):
        rating(fruit)
    outcomes = {name: "passed" for check in checks() for name in case_names(fruit, check)}
    path = write(fruit, outcomes)
    assert path.name == "contract-fruit.json"
    assert outcomes_of(fruit) == outcomes
    assert rating(fruit).level is Level.PLATINUM

    (path.parent / "mapping.py").write_text("")
    with pytest.raises(NotRated, match="Fruit was changed since its report was written"):
        rating(fruit)


def test_an_entry_point_may_name_a_module_within_the_package(fruit, monkeypatch):
    monkeypatch.setattr(report, "entry_points", lambda group: [SimpleNamespace(module="portal_fruit.plugin")])
    plugin = report.report_file(fruit).with_name("plugin.py")
    plugin.write_text(SOURCE)
    assert report.report_file(import_module("portal_fruit.plugin").Fruit) == report.report_file(fruit)


@pytest.mark.parametrize("text", ["", "[]", '{"cases": {}}', '{"source": "x", "cases": {"a": 1}}', "\0"])
def test_a_report_that_is_no_report_rates_nothing(fruit, text):
    report.report_file(fruit).write_text(text)
    with pytest.raises(NotRated, match="cannot be read"):
        rating(fruit)


def test_a_connector_outside_a_package_cannot_be_rated():
    with pytest.raises(NotRated, match="is in no package of its own"):
        rating(Orchard)


def test_the_digest_is_of_every_source_file_and_its_place(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = source_digest(tmp_path)
    (tmp_path / "notes.txt").write_text("not source")
    assert source_digest(tmp_path) == first
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    moved = source_digest(tmp_path)
    assert moved != first
    (tmp_path / "b.py").write_text("2")
    assert source_digest(tmp_path) not in (first, moved)
