"""``ConnectorContract``: one class certifies a connector.

>>> from portal.testing import ConnectorContract, Push
>>> class TestAcme(ConnectorContract):
...     connector = Acme                                            # doctest: +SKIP
...     settings = {"url": "{url}"}
...     answers = Path(__file__).with_name("acme.json")             # doctest: +SKIP
...     expect = {"order": {"1001": "119.00 EUR", "1002": "1999 JPY"}}

From the capabilities and promises of the connector the checks are derived; `docs/contract.md` lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from portal.sdk.connector import Connector, Webhook
from portal.testing.bench import Bench, told
from portal.testing.push import Push
from portal.testing.registry import Broken, Check, checks
from portal.testing.script import Answers, Request, body_text


@dataclass(frozen=True)
class Case:
    """One check for one subject; ``name`` is what ``waive`` and ``pytest -k`` know it by."""

    check: Check
    subject: str

    @property
    def name(self) -> str:
        return f"{self.check.name}-{self.subject}" if self.subject else self.check.name


class ConnectorContract:
    """What the author declares.

    ``settings``: values of the connection's form, ``{url}`` is the remote's address; secrets may be left
    out. ``answers``: the remote's script (:mod:`portal.testing.script`), real payloads, or a JSON file of it.
    ``reads``: routes that change nothing although they are POSTs. ``expect``: for each kind read, the ids
    that the answers hold, and the figure that each shows: an order's or refund's total, a product's price, a
    level's quantity. ``pushes``: an example of a change for each kind pushed. ``events``: examples of what the
    remote tells; ``webhook`` makes them into requests. ``constants``: other values for the connector's own,
    such as a page of two. ``say``: what a packed request says. ``waive``: checks that do not apply, with the
    reason; a field's name behind the check's waives it for that field alone.
    """

    connector: ClassVar[type[Connector]]
    settings: ClassVar[Mapping[str, Any]] = {"url": "{url}"}
    answers: ClassVar[Answers | Path]
    reads: ClassVar[Sequence[str]] = ()
    expect: ClassVar[Mapping[str, Mapping[str, str] | Iterable[str]]] = {}
    pushes: ClassVar[Mapping[str, Push]] = {}
    events: ClassVar[Sequence[Any]] = ()
    constants: ClassVar[Mapping[str, Any]] = {}
    waive: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def webhook(cls, event: Any, secret: str, at: datetime) -> Webhook:  # noqa: ARG003 - for authors to use
        """The request that tells ``event``, signed with ``secret``, stamped ``at`` where the vendor stamps."""
        raise Broken("Say how the vendor signs: give the contract a classmethod webhook(event, secret, at).")

    @classmethod
    def say(cls, request: Request) -> str:
        """The text in which ``~text`` of a route is looked for: the body, where the API does not pack what it says."""
        return body_text(request)

    @classmethod
    def cases(cls) -> list[Case]:
        return [
            Case(check, subject) for check in checks().values() for subject in check.subjects(cls.connector)
        ]

    @classmethod
    def waived(cls, case: Case) -> str:
        """The author's reason why the check does not apply, or nothing."""
        return cls.waive.get(case.name) or cls.waive.get(case.check.name) or ""

    @classmethod
    def waived_fields(cls, case_name: str) -> set[str]:
        """The fields that the case does not apply to: those named behind it in ``waive``."""
        return {
            field
            for name, _, field in (key.partition(" ") for key in cls.waive)
            if name == case_name and field
        }

    @classmethod
    def verify(cls, case: Case) -> None:
        """Run one case. Raises ``Broken``."""
        with Bench(cls) as bench:
            try:
                case.check.run(bench, case.subject)
            except Broken as error:
                raise Broken(f"{error} {bench.hint()}".strip()) from error.__cause__
            except Exception as error:
                where = f" of {case.subject}" if case.subject else ""
                raise Broken(
                    f"The check “{case.check.name}”{where} met {told(error)}, which the connector should not "
                    f"raise here. {bench.hint()}".strip()
                ) from error

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "contract_case" in metafunc.fixturenames:
            cases = type(self).cases()
            metafunc.parametrize("contract_case", cases, ids=[case.name for case in cases])

    def test_contract(self, contract_case: Case) -> None:
        if reason := self.waived(contract_case):
            import pytest

            pytest.skip(f"waived: {reason}")
        self.verify(contract_case)


def examine(contract: type[ConnectorContract]) -> dict[str, str]:
    """Every case that fails, with its sentence. Empty: the connector is certified."""
    broken = {}
    for case in contract.cases():
        if contract.waived(case):
            continue
        try:
            contract.verify(case)
        except Broken as error:
            broken[case.name] = str(error)
    return broken
