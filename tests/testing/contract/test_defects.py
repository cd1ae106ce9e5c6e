import json
from dataclasses import replace
from decimal import Decimal

import pytest

from portal.sdk import Location, ReadAgain, Receipt, read_each
from portal.testing.contract import examine
from portal.testing.registry import Broken, checks
from tests.testing.contract.defects import defects
from tests.testing.contract.test_orchard import TestOrchard as Certified

DEFECTS = defects()


def _without(kind, **changes):
    return Certified.pushes | {kind: replace(Certified.pushes[kind], **changes)}


def _in_euros():
    script = Certified.answers.read_text("utf-8")
    return json.loads(script.replace("JPY", "EUR").replace("KWD", "EUR"), parse_float=Decimal)


def test_the_good_connector_is_certified():
    assert examine(Certified) == {}


def test_a_level_sent_as_what_is_on_hand_is_as_absolute():
    class OnHand(Certified.connector):
        def push_stock(self, change):
            more = change.record.model_copy(update={"available": change.record.available + 30})
            return super().push_stock(type(change)(change.key, more, refs=change.refs))

    contract = type("OnHandTest", (Certified,), {"connector": OnHand})
    contract.verify(next(case for case in contract.cases() if case.name == "stock-is-said-absolutely-stock"))


class LooksFirst(Certified.connector):
    """A shop that cannot compare: the connector looks at the level before it writes another."""

    def push_stock(self, change):
        level, path = change.record, f"/stock/{change.ref('product', change.record.sku)}"
        path += f"/{change.ref('location', level.location_id)}"
        there = Decimal(self.http.get(path).value("free"))
        if level.expected is not None and there != level.expected:
            raise ReadAgain("Somebody bought one.", current=str(there))
        wanted = {"free": str(self.wanted(level, there))}
        return Receipt(self.http.put(path, json=wanted).value("id"))

    def wanted(self, level, there):
        return level.available


class LooksAndSendsTheDifference(LooksFirst):
    def wanted(self, level, there):
        return level.available - there


class LooksTooLate(LooksFirst):
    def push_stock(self, change):
        Certified.connector.push_stock(self, change)
        return super().push_stock(change)


class SeesAnotherFigureEachTime(LooksFirst):
    def push_stock(self, change):
        raise ReadAgain("Somebody bought one.", current=str(change.record.expected))


def looking_first(connector):
    script = json.loads(Certified.answers.read_text("utf-8"), parse_float=Decimal)
    members = {
        "connector": connector,
        "answers": script | {"GET /stock/v7/b1": {"free": 5}},
        "pushes": _without("stock", conflict={"GET /stock/v7/b1": {"free": 4}}),
    }
    contract = type("LooksFirstTest", (Certified,), members)
    return contract, {case.name: case for case in contract.cases() if case.subject == "stock"}


def test_a_connector_may_look_at_the_level_before_it_writes_another():
    contract, cases = looking_first(LooksFirst)
    with pytest.raises(Broken, match="the remote cannot notice a sale in between"):
        contract.verify(cases.pop("stock-is-compared-stock"))
    assert cases
    for case in cases.values():
        contract.verify(case)


@pytest.mark.parametrize(
    ("connector", "says"),
    [
        (LooksAndSendsTheDifference, "a difference sent twice counts twice"),
        (LooksTooLate, "after 1 writes"),
        (SeesAnotherFigureEachTime, "only if it is not the expected one"),
    ],
)
def test_looking_first_excuses_nothing_else(connector, says):
    contract, cases = looking_first(connector)
    with pytest.raises(Broken, match=says):
        contract.verify(cases["stock-is-said-absolutely-stock"])


class OnePlace(Certified.connector):
    """A shop without an API for its only place, which is made from what it says about itself."""

    def pull_location(self, cursor):
        def read(raw):
            return Location(external_id="lane", version=1, code="LANE", name=raw["shop"])

        yield read_each([self.http.get("/me").object()], read, cursor="one")


class OneMadeUpPlace(OnePlace):
    def pull_location(self, cursor):
        def read(raw):
            return Location(external_id="lane", version=1, code="LANE", name=f"{raw.get('shop')}")

        yield read_each([self.http.get("/me").object()], read, cursor="one")


def one_place(connector):
    members = {
        "connector": connector,
        "expect": {**Certified.expect, "location": ["lane"]},
        "waive": {"the-cursor-leads-on-location": "There is one place and no more."},
    }
    contract = type("OnePlaceTest", (Certified,), members)
    cases = [case for case in contract.cases() if case.subject == "location" and not contract.waived(case)]
    return contract, cases


def test_a_single_object_needs_no_list_and_no_neighbours():
    contract, cases = one_place(OnePlace)
    for case in cases:
        contract.verify(case)
    assert len(cases) > 10


def test_what_is_made_up_for_a_single_object_is_still_noticed():
    contract, cases = one_place(OneMadeUpPlace)
    with pytest.raises(Broken, match="which is Python's word for nothing"):
        contract.verify(next(case for case in cases if case.check.name.startswith("a-missing-field")))


def test_a_secret_in_what_has_no_answer_is_not_repeated():
    class Tells(Certified.connector):
        def check(self):
            return self.http.post("/session", json={"grant": self.settings.token.get_secret_value()}).json()

    contract = type("TellsTest", (Certified,), {"connector": Tells})
    with pytest.raises(Broken, match='POST /session saying “{"grant": ?"…"}”'):
        contract.verify(next(case for case in contract.cases() if case.name == "checking-says-a-sentence"))


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.connector.__name__)
def test_a_defect_is_rejected_with_a_sentence_that_says_what_to_do(defect):
    spoilt = type("Spoilt", (Certified,), {"connector": defect.connector})
    cases = {case.name: case for case in spoilt.cases()}
    with pytest.raises(Broken) as broken:
        spoilt.verify(cases[defect.case])
    assert defect.says in str(broken.value)


def test_the_defects_are_many_and_different():
    assert len(DEFECTS) >= 80
    assert len({defect.wrong for defect in DEFECTS}) == len(DEFECTS)


def test_every_check_rejects_a_defect():
    names = sorted(checks(), key=len, reverse=True)
    tried = {next(name for name in names if defect.case.startswith(name)) for defect in DEFECTS}
    # These look at the author's test, not at the connector: see below, and test_plugin.py.
    of_the_test = {"the-test-has-examples", "waivers-have-reasons", "currencies-have-their-own-cents"}
    assert set(checks()) - tried == of_the_test


@pytest.mark.parametrize(
    "case, lacking, says",
    [
        ("the-test-has-examples", {"expect": {"order": ["o1"]}}, "expect says nothing about 'refund'"),
        ("the-test-has-examples", {"pushes": {}}, "no example of a change for push_stock"),
        ("the-test-has-examples", {"events": []}, "Give two different ones"),
        ("what-was-pushed-is-found-shipment", {"pushes": _without("shipment", done={})}, "once it is done"),
        ("stock-is-compared-stock", {"pushes": _without("stock", conflict={})}, "or waive this check"),
        ("figures-are-exact-order", {"expect": {"order": ["o1", "o2", "o3"]}}, "expect gives no total"),
        ("figures-are-exact-order", {"expect": {"order": {"o1": "19.98 EUR"}}}, "expect says 19.98 EUR"),
        ("currencies-have-their-own-cents-order", {"answers": _in_euros()}, "Add one in JPY or KWD"),
        ("every-page-is-read-order", {"expect": {"order": ["o1"]}}, "which expect does not name"),
        (
            "every-page-is-read-order",
            {"answers": {"GET /order": {}}},
            "has no answer for GET /orders?after=0",
        ),
        ("making-one-makes-no-call", {"settings": {}}, "look at settings"),
        (
            "a-missing-field-sets-one-object-aside-order",
            {"waive": {"a-missing-field-sets-one-object-aside-order buyers": "Guests have no name there."}},
            "names the field 'buyers' of order",
        ),
        (
            "making-one-makes-no-call",
            {"constants": {"orchard.PAGE": 2}},
            "'orchard.PAGE', which is not there",
        ),
        ("reprs-hide-secrets", {"settings": {"url": "{url}", "token": "abc"}}, "too short to be looked for"),
    ],
)
def test_a_test_that_lacks_something_is_told_what_to_add(case, lacking, says):
    contract = type("Lacking", (Certified,), lacking)
    cases = {case.name: case for case in contract.cases()}
    with pytest.raises(Broken) as broken:
        contract.verify(cases[case])
    assert says in str(broken.value)
