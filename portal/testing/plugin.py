"""The pytest plugin: a broken contract is told in its sentence, and a scripted remote is one fixture away."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.testing.registry import Broken
from portal.testing.remote import Remote
from portal.testing.script import Answers


@pytest.fixture
def scripted_remote() -> Iterator[Callable[..., Remote]]:
    """``scripted_remote({"GET /orders": {...}})`` is a running :class:`~portal.testing.Remote`."""
    with ExitStack() as running:

        def start(answers: Answers | Path, reads: Sequence[str] = ()) -> Remote:
            return running.enter_context(Remote(answers, reads))

        yield start


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A broken contract is a sentence for the author of the connector; our own lines would only hide it."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, Broken) and item.config.getoption("tbstyle") == "auto":
        report.longrepr = str(error)
    return report
