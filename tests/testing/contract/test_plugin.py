"""What an author of a connector sees: the tests run in a pytest of their own."""

import sys

import pytest

pytest_plugins = "pytester"

AUTHORS_TEST = """
from portal.testing import examine
from tests.testing.contract.test_orchard import TestOrchard as Certified


class Spoilt(Certified.connector):
    def check(self):
        return "fine"


class TestSpoilt(Certified):
    connector = Spoilt
    waive = {waive}
"""


@pytest.fixture
def run(pytester):
    """Runs an author's test file in a process of its own, without this project's settings."""
    pytester.makeini("[pytest]\naddopts = -p no:django")

    def start(waive, *options):
        pytester.makepyfile(AUTHORS_TEST.replace("{waive}", repr(waive)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
            return pytester.runpytest_subprocess("-k", "checking or waivers", *options)

    return start


def test_a_failure_is_a_sentence_without_our_own_lines(run):
    result = run({})
    result.assert_outcomes(failed=2, passed=1, deselected=result.parseoutcomes()["deselected"])
    result.stdout.fnmatch_lines(["check() returned 'fine'. Return a sentence for people*"])
    result.stdout.fnmatch_lines(["check() made no call. Ask the remote for something*"])
    assert "raise Broken" not in result.stdout.str()


def test_a_whole_traceback_is_shown_to_who_asks_for_it(run):
    assert "raise Broken" in run({}, "--tb=long").stdout.str()


def test_a_part_of_the_contract_rates_nothing(run):
    said = run({}, "--certify").stdout
    said.fnmatch_lines(["Orchard is not rated: only 3 of * cases ran."])
    assert "on the quality scale" not in said.str()


def test_a_run_without_a_contract_certifies_nothing(pytester):
    pytester.makeini("[pytest]\naddopts = -p no:django")
    pytester.makepyfile("def test_well(): pass")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
        said = pytester.runpytest_subprocess("--certify").stdout
    said.fnmatch_lines(["No contract ran in this process, so nothing was certified. Run without -n."])


def test_a_waived_check_is_skipped_with_its_reason(run):
    result = run({"checking-asks-the-remote": "The shop has no page for it."}, "-rs")
    assert result.parseoutcomes()["skipped"] == 1
    result.stdout.fnmatch_lines(["*waived: The shop has no page for it."])


@pytest.mark.parametrize(
    "waive, sentence",
    [
        ({"checking-asks-the-remotes": "It has no page for it."}, "which is no check of this connector"),
        ({"checking-asks-the-remote": "no"}, "gives no reason for checking-asks-the-remote"),
    ],
)
def test_a_waiver_that_waives_nothing_or_says_nothing_fails(run, waive, sentence):
    assert sentence in run(waive).stdout.str()
