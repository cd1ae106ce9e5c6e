"""The pytest plugin: a broken contract is told in its sentence, a connector whose whole contract ran is rated, and
a scripted remote is one fixture away."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from portal.testing import report
from portal.testing.contract import ConnectorContract
from portal.testing.registry import Broken
from portal.testing.remote import Remote
from portal.testing.scale import FAILED, PASSED, WAIVED, Rating, rate
from portal.testing.script import Answers

Ran = dict[type[ConnectorContract], dict[str, str]]
RAN = pytest.StashKey[Ran]()


@pytest.fixture
def scripted_remote() -> Iterator[Callable[..., Remote]]:
    """``scripted_remote({"GET /orders": {...}})`` is a running :class:`~portal.testing.Remote`."""
    with ExitStack() as running:

        def start(answers: Answers | Path, reads: Sequence[str] = ()) -> Remote:
            return running.enter_context(Remote(answers, reads))

        yield start


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--certify",
        action="store_true",
        help="write the reports of the connectors' contracts that ran whole, for their packages to ship",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RAN] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A broken contract is a sentence for the author of the connector; our own lines would only hide it."""
    told = yield
    error = call.excinfo.value if call.excinfo else None
    if call.when == "call":
        _note(item, error)
    if isinstance(error, Broken) and item.config.getoption("tbstyle") == "auto":
        told.longrepr = str(error)
    return told


def _note(item: pytest.Item, error: BaseException | None) -> None:
    """Keep what became of one case of a contract."""
    case = getattr(item, "callspec", None) and item.callspec.params.get("contract_case")  # type: ignore[attr-defined]
    if not case:
        return
    contract: type[ConnectorContract] = item.cls  # type: ignore[attr-defined]
    if isinstance(error, pytest.skip.Exception):
        outcome = f"{WAIVED}: {contract.waived(case)}"
    else:
        outcome = f"{FAILED}: {error}" if error else PASSED
    item.config.stash[RAN].setdefault(contract, {})[case.name] = outcome


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What the connectors are worth whose contracts ran whole, and what the next level wants."""
    certify = config.getoption("--certify")
    for contract, outcomes in config.stash[RAN].items():
        all_of_them = len(contract.cases())
        if len(outcomes) == all_of_them:
            terminalreporter.section(f"{contract.connector.title} on the quality scale")
            for line in _told(contract, outcomes, certify=certify):
                terminalreporter.write_line(line)
        elif certify:
            few = f"{len(outcomes)} of {all_of_them} cases ran"
            terminalreporter.write_line(f"{contract.connector.title} is not rated: only {few}.")
    if certify and not config.stash[RAN]:
        terminalreporter.write_line(
            "No contract ran in this process, so nothing was certified. Run without -n."
        )


def _told(contract: type[ConnectorContract], outcomes: dict[str, str], *, certify: bool) -> Iterator[str]:
    connector = contract.connector
    rated = rate(connector, outcomes)
    yield f"{rated.title}. {rated.level.means if rated.level else ''}".strip()
    yield from _wanted(rated)
    try:
        path = report.report_file(connector)
        if certify:
            yield f"Written to {report.write(connector, outcomes)}."
        elif not path.is_file() or path.read_text("utf-8") != report.report_text(connector, outcomes):
            yield f"{path} does not say so: run pytest --certify, and let the package ship it."
    except report.NotRated as error:
        yield str(error)


def _wanted(rated: Rating) -> Iterator[str]:
    for unproven in rated.next_level:
        first, *others = unproven.why
        more = f" (and {len(others)} more)" if others else ""
        yield f"{unproven.rule.level.title} wants {unproven.rule.name}: {first}{more}"
