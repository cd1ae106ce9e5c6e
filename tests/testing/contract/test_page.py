"""`docs/contract.md` names every check with its rule, and nothing else."""

import sys
from itertools import groupby
from pathlib import Path

from portal.testing.registry import checks
from tests.testing.contract.defects import defects

PAGE = Path(__file__).parents[3] / "docs" / "contract.md"


def rules() -> str:
    """The list of all checks as it stands on the page."""
    sections = []
    for room, members in groupby(checks().values(), lambda check: check.room):
        title = sys.modules[f"portal.testing.checks.{room}"].__doc__.strip().split("\n")[0]
        lines = [f"- `{check.name}`: {check.rule}" for check in members]
        sections.append(f"### {title.rstrip('.')}\n\n" + "\n".join(lines))
    return "\n\n".join(sections) + "\n"


def test_the_page_lists_every_check_with_its_rule():
    listed = PAGE.read_text("utf-8").partition("## What is checked\n\n")[2]
    assert listed == rules(), "put this at the end of docs/contract.md:\n\n" + rules()


def test_every_check_rejects_a_seeded_defect():
    names = sorted(checks(), key=len, reverse=True)
    tried = {next(name for name in names if defect.case.startswith(name)) for defect in defects()}
    # These look at the author's test, not at the connector: see test_defects.py and test_plugin.py.
    of_the_test = {"the-test-has-examples", "waivers-have-reasons", "currencies-have-their-own-cents"}
    assert set(checks()) - tried == of_the_test
