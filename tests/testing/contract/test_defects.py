import pytest

from portal.testing.contract import examine
from portal.testing.registry import Broken
from tests.testing.contract.defects import defects
from tests.testing.contract.test_orchard import TestOrchard as Certified

DEFECTS = defects()


def test_the_good_connector_is_certified():
    assert examine(Certified) == {}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.connector.__name__)
def test_a_defect_is_rejected_with_a_sentence_that_says_what_to_do(defect):
    spoilt = type("Spoilt", (Certified,), {"connector": defect.connector})
    cases = {case.name: case for case in spoilt.cases()}
    with pytest.raises(Broken) as broken:
        spoilt.verify(cases[defect.case])
    assert defect.says in str(broken.value)


def test_the_defects_are_many_and_different():
    assert len(DEFECTS) >= 30
    assert len({defect.wrong for defect in DEFECTS}) == len(DEFECTS)
