"""A page for each hook: what it is, its arguments and the types around it from the code, the example by hand."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from portal.sdk import hooks

EXAMPLE = "## Example\n\n"
"""What follows this line on a page is written by hand, and is run."""

FAMILIES: dict[str, tuple[str, str]] = {
    "register": (
        "What a plugin adds",
        (
            "Asked once in each process of the portal, when plugins are first needed. What it returns is checked thing by thing "
            "by the preflight: a plugin with a fault stays in quarantine, with a sentence for each."
        ),
    ),
    "decide": (
        "What a plugin is asked",
        (
            "Asked once for a whole page of records, inside the portal's transaction: look at what you are given, read tables of "
            "your own in a query or two, call nobody, change nothing. After ten seconds it is ended. The first answer to a "
            "record counts, plugins being asked in the order of their names; to a record without an answer the portal does what "
            "it would do alone. When the hook raises, or one answer does not count, none of its answers to this page do; that is "
            "recorded against the plugin, and the page goes on."
        ),
    ),
    "on": (
        "What a plugin is told",
        (
            "Called in a job, after what it is about was committed, with one event at a time and no transaction around it. It "
            "is told at least once, not always in order, and again with the same `key` when the call before did not end well: "
            "do nothing a second time that may happen once. What it raises is recorded, and told again after 5 seconds, then 10, "
            "up to an hour between two calls; after eight calls a case is opened and `./run manage plugins retell` tells it again. "
            "`RetryLater` and `Misconfigured` come again as long as it takes and count against nobody; `SkipRecord` opens the case "
            "at once. While the plugin is switched off or in quarantine, what it would be told waits."
        ),
    ),
}


def hook_pages(docs: Path) -> Iterator[tuple[Path, str]]:
    """Every page of `docs/hooks/` with its text."""
    yield docs / "hooks" / "index.md", _index()
    for name, spec in specs().items():
        path = docs / "hooks" / f"{name}.md"
        by_hand = path.read_text("utf-8").partition(EXAMPLE)[2] if path.is_file() else ""
        yield path, "\n".join(_page(name, spec)) + f"\n{EXAMPLE}{by_hand}"


def specs() -> dict[str, Callable[..., Any]]:
    """The hooks in the order of portal.sdk.hooks."""
    return {name: each for name, each in vars(hooks).items() if hasattr(each, f"{hooks.PROJECT}_spec")}


def _index() -> str:
    lines = ["# Hooks", "", *_paragraphs(inspect.cleandoc(hooks.__doc__ or "").partition("\n\n")[2])]
    for family, (title, _) in FAMILIES.items():
        lines += [f"## {title}", ""]
        lines += [
            f"- [{name}]({name}.md): {_paragraphs(spec.__doc__ or '')[0]}"
            for name, spec in specs().items()
            if name.startswith(f"{family}_")
        ]
        lines.append("")
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", *specs(), "```", ""])


def _page(name: str, spec: Callable[..., Any]) -> Iterator[str]:
    said, _, since = inspect.cleandoc(spec.__doc__ or "").partition(".. versionadded:: ")
    yield from (f"# {name}", "", *_paragraphs(said))
    yield from ("```text", "@hook", f"def {name}{_signature(spec)}: ...", "```", "")
    yield from (FAMILIES[name.partition("_")[0]][1], "", f"Since {since.strip()}.", "")
    for cls in types(spec):
        yield from (f"## {cls.__name__}", "", *_paragraphs(cls.__doc__ or ""))
        if is_dataclass(cls):
            yield from ("| field | type | default |", "|---|---|---|")
            for field in fields(cls):
                default = "" if field.default is MISSING else f"`{field.default!r}`"
                yield f"| `{field.name}` | `{str(field.type).replace('|', 'or')}` | {default} |"
            yield ""


def types(spec: Callable[..., Any]) -> list[type[Any]]:
    """The SDK's own frozen values that the hook takes or returns, and those that they are made of."""
    found: list[type[Any]] = []
    waiting: list[Any] = list(typing.get_type_hints(spec).values())
    while waiting:
        each = waiting.pop(0)
        ours = isinstance(each, type) and each.__module__.startswith("portal.sdk.") and each not in found
        if ours and (is_dataclass(each) or each.__name__ == "PluginSettings"):
            found.append(each)
            waiting += typing.get_type_hints(each).values() if is_dataclass(each) else []
        waiting += [arg for arg in typing.get_args(each) if arg is not ...]
    return found


def _signature(spec: Callable[..., Any]) -> str:
    return str(inspect.signature(spec)).replace("'", "")


def _paragraphs(text: str) -> list[str]:
    """A docstring's paragraphs as Markdown, each on a line of its own and followed by an empty one; examples apart."""
    text = re.sub(
        r":\w+:`~?([^`]+)`", lambda found: f"`{found[1].rpartition('.')[2]}`", inspect.cleandoc(text)
    )
    parts = [part for part in text.replace("``", "`").split("\n\n") if part.strip() and ">>>" not in part]
    lines = [part if part.startswith("- ") else " ".join(part.split()) for part in parts]
    return [line for part in lines for line in (part, "")]
