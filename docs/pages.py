"""The pages and parts of pages that follow from the code: `./run docs` writes them, a test holds them.

One page for each capability and each hook, the list of the contract's checks, and the rules of the quality scale.
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from types import NoneType, UnionType

from pydantic import BaseModel

from docs.hook_pages import hook_pages
from portal.sdk import Connector, Promise
from portal.sdk.records import KINDS
from portal.testing.protocols import Capability, protocols
from portal.testing.registry import Check, checks
from portal.testing.scale import RULES, Level

DOCS = Path(__file__).parent
EXAMPLES = (
    ("the demo shop", "plugins/demoshop/connector.py", "DemoShop"),
    ("Tryton", "plugins/tryton/connector.py", "Tryton"),
    ("the example Dummy", "examples/portal-dummy/portal_dummy/connector.py", "Dummy"),
)
FAMILIES = {
    "pull": "`cursor` is that of the last page that was stored, None for the first reading. Yield pages as they come, oldest "
    "change first; `read_each` makes one of the remote's objects, and `self.http.pages` follows the pages to their end. A "
    "page's cursor says where reading goes on once that page is stored; it may only lead past what the page holds.",
    "fetch": "Give the objects of these ids that are there, and leave out those that are gone, without an error.",
    "push": "`change.record` is the state to bring about, `change.remote_id` the record's id there (empty: it is new), "
    "`change.key` stays the same over every attempt, and `change.ref(kind, id)` translates an id. Send once, return the receipt, and "
    "let errors pass. It may be called from several threads. `promises` says what a lost answer leads to.",
    "find": "Asked after an answer was lost: the receipt if the change is there in full, None if it surely is not (it is then "
    "pushed again), and `OutcomeUnknown` if nobody can tell.",
    "count": "How many are dated from `since` up to, but without, `until`, whatever became of them since.",
    "read": "Those dated from `since` up to, but without, `until`, in pages. A page's cursor leads past what that page held, so "
    "that reading goes on there after a stop.",
    "hear": "Verify the raw bytes first (`verify_hmac`, `verify_time`), then say what has changed. Any of the secrets may have signed.",
    "subscribe": "Called by a button, and again whenever somebody presses it: the second time changes nothing.",
}


def pages() -> Iterator[tuple[Path, str]]:
    """Every page that is written whole, or whose end is: the path and its text."""
    for capability in protocols().values():
        yield DOCS / "capabilities" / f"{page_name(capability)}.md", "\n".join(_capability(capability)) + "\n"
    yield DOCS / "capabilities" / "index.md", _index()
    yield from hook_pages(DOCS)
    yield _ending("contract.md", "## What is checked\n\n", _checks())
    yield _ending("quality.md", "## The rules\n\n", _rules())


def page_name(capability: Capability) -> str:
    return re.sub(r"(?<=.)([A-Z])", r"-\1", capability.name).lower()


def _ending(name: str, heading: str, text: str) -> tuple[Path, str]:
    before, _, _ = (DOCS / name).read_text("utf-8").partition(heading)
    return DOCS / name, before + heading + text


def _index() -> str:
    lines = [
        f"- [{each.name}]({page_name(each)}.md): {_sentence(each.says)}" for each in protocols().values()
    ]
    return "\n".join([
        "# Capabilities", "",
        "A connector that has the methods of a capability has the capability; nothing is registered. From them the portal makes",
        "jobs, forms and screens, and the contract its checks.", "",
        *lines, "",
        "```{toctree}", ":hidden:", "",
        *(page_name(each) for each in protocols().values()), "```", "",
    ])  # fmt: skip


def _capability(capability: Capability) -> Iterator[str]:
    yield from (f"# {capability.name}", "", *_paragraphs(capability.says), "## What you write", "")
    yield "```python"
    yield from (f"def {name}{_signature(method)}: ..." for name, method in capability.methods.items())
    yield from ("```", "")
    for name, method in capability.methods.items():
        said = FAMILIES.get(name.partition("_")[0], "") if not method.__doc__ or name == "subscribe" else ""
        text = " ".join(filter(None, [inspect.cleandoc(method.__doc__ or ""), said]))
        yield f"- `{name}`: {_plain(text)}"
    yield ""
    if record := KINDS.get(next(iter(capability.own)).partition("_")[2]):
        yield from _record(record)
    yield from _example(capability)
    found = list(_asked(capability))
    if found:
        yield from ("## What the contract asks of it", "")
        yield from (f"- `{check.name}`: {check.rule}" for check in found)


def _record(record: type[BaseModel]) -> Iterator[str]:
    yield from ("## The record", "")
    for part in _parts(record):
        yield from (f"### {part.__name__}", "", *_paragraphs(part.__doc__ or ""))
        yield from ("| field | type | |", "|---|---|---|")
        for name, field in part.model_fields.items():
            needed = "needed" if field.is_required() else ""
            yield f"| `{name}` | {_shown(field.annotation)} | {field.description or needed} |"
        yield ""


def _parts(record: type[BaseModel]) -> list[type[BaseModel]]:
    """The record and the parts it is made of, each once."""
    found = [record]
    for part in found:
        for field in part.model_fields.values():
            found += [each for each in _models(field.annotation) if each not in found]
    return found


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models(inner)


def _shown(annotation: object) -> str:
    inner = [each for each in typing.get_args(annotation) if each not in (NoneType, ...)]
    origin = typing.get_origin(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        return f"tuple of {_shown(inner[0])}"
    if origin in (UnionType, typing.Union):
        return " or ".join([*map(_shown, inner), "None"])
    if origin is typing.Annotated:
        return _shown(inner[0])
    return f"`{getattr(annotation, '__name__', annotation)}`"


def _example(capability: Capability) -> Iterator[str]:
    for title, path, connector in EXAMPLES:
        text = (DOCS.parent / path).read_text("utf-8")
        if all(f"def {name}(" in text for name in capability.own):
            yield from (f"## As {title} does it", "")
            for name in capability.own:
                yield from (
                    f"```{{literalinclude}} ../../{path}",
                    f":pyobject: {connector}.{name}",
                    "```",
                    "",
                )
            return


def _asked(capability: Capability) -> Iterator[Check]:
    """The checks that a connector meets because of this capability."""
    kinds = {name.partition("_")[2] for name in capability.own if name.startswith("push_")}
    made = [
        type("Made", (Connector,), {**capability.methods, "promises": dict.fromkeys(kinds, promise)})
        for promise in Promise
    ]
    for check in checks().values():
        if any(list(check.subjects(each)) for each in made) and not list(check.subjects(Connector)):
            yield check


def _checks() -> str:
    sections = []
    for room, members in groupby(checks().values(), lambda check: check.room):
        title = _sentence(sys.modules[f"portal.testing.checks.{room}"].__doc__ or "")
        lines = [f"- `{check.name}`: {check.rule}" for check in members]
        sections.append(f"### {title.rstrip('.')}\n\n" + "\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _rules() -> str:
    sections = []
    for level in Level:
        lines = [
            f"- `{rule.name}`: {rule.why} Proven by {rule.proof}." for rule in RULES if rule.level is level
        ]
        sections.append(f"### {level.title}\n\n{level.means}\n\n" + "\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _signature(method: object) -> str:
    return re.sub(
        r"portal\.sdk\.\w+\.|collections\.abc\.", "", str(inspect.signature(method)).replace("'", "")
    )  # type: ignore[arg-type]


def _sentence(text: str) -> str:
    return _plain(inspect.cleandoc(text).split("\n\n")[0])


def _paragraphs(text: str) -> list[str]:
    return [line for part in inspect.cleandoc(text).split("\n\n") if part for line in (_plain(part), "")]


def _plain(text: str) -> str:
    """A docstring's reStructuredText as Markdown, on one line."""
    text = re.sub(r":\w+:`~?([^`]+)`", lambda found: f"`{found[1].rpartition('.')[2]}`", text)
    return " ".join(text.replace("``", "`").split())


if __name__ == "__main__":
    for path, text in pages():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
