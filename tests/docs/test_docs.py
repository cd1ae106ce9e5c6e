"""The documentation cannot rot: pages follow from the code, blocks run, commands and links lead somewhere."""

import ast
import json
import re
import shlex
import tomllib
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from inspect import signature
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class

from portal.sdk import Http, Promise
from portal.sdk.answer import Answer
from portal.testing.protocols import protocols

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *(path for path in sorted(DOCS.rglob("*.md")) if "_build" not in path.parts)]
FENCE = re.compile(r"^```(\S+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
KNOWN = {
    "console",
    "python",
    "toml",
    "json",
    "text",
    "ini",
    "nginx",
    "{toctree}",
    "{literalinclude}",
    "{image}",
}


def name(path):
    return str(path.relative_to(ROOT))


def blocks(path, kind):
    return [(target, text) for found, target, text in FENCE.findall(path.read_text("utf-8")) if found == kind]


@cache
def written():
    """The pages as `docs/pages.py` writes them."""
    spec = spec_from_file_location("docs_pages", DOCS / "pages.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.pages())


def test_the_pages_that_follow_from_the_code_say_what_it_says():
    stale = [
        name(path)
        for path, text in written().items()
        if not path.is_file() or path.read_text("utf-8") != text
    ]
    assert not stale, "write them anew with ./run docs"
    assert set((DOCS / "capabilities").glob("*.md")) <= set(written())


@pytest.mark.parametrize("capability", protocols().values(), ids=list(protocols()))
def test_a_capability_and_its_methods_are_explained(capability):
    page = next(text for path, text in written().items() if text.startswith(f"# {capability.name}\n"))
    assert capability.says.strip(), f"give {capability.name} a docstring: what it is for"
    for method, how in capability.methods.items():
        assert f"def {method}(self" in page
        assert re.search(rf"^- `{method}`: \S", page, re.MULTILINE), f"give {method} a docstring"
        assert all(f"{each}:" in page for each in signature(how).parameters if each != "self")


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_blocks_are_of_a_kind_that_can_be_tried(path):
    assert {kind for kind, _, _ in FENCE.findall(path.read_text("utf-8"))} <= KNOWN
    for _, text in blocks(path, "toml"):
        tomllib.loads(text)
    for _, text in blocks(path, "json"):
        json.loads(text)
    for target, _ in blocks(path, "{image}"):
        assert (path.parent / target).is_file()
    for target, text in blocks(path, "{literalinclude}"):
        source = (path.parent / target).read_text("utf-8")
        if shown := re.search(r":pyobject: (\w+)\.(\w+)", text):
            owner = next(node for node in ast.parse(source).body if getattr(node, "name", "") == shown[1])
            assert shown[2] in {getattr(node, "name", "") for node in owner.body}


RUN = [path for path in PAGES if path.parent.name != "capabilities" and blocks(path, "python")]


@pytest.mark.parametrize("path", RUN, ids=name)
def test_python_blocks_run_and_the_tests_in_them_pass(path, request):
    """The blocks of a page share their names, as if they were one file."""
    names = {"__name__": "page"}
    for _, text in blocks(path, "python"):
        exec(compile(text, name(path), "exec"), names)
    for test in [value for key, value in names.items() if key.startswith("test_")]:
        test(**{fixture: request.getfixturevalue(fixture) for fixture in signature(test).parameters})


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_the_commands_exist_and_take_what_is_shown(path):
    doors = set(re.findall(r"^(\w+)\)", (ROOT / "run").read_text("utf-8"), re.MULTILINE))
    shown = [
        line for _, text in blocks(path, "console") for line in re.findall(r"^\$ (.+)$", text, re.MULTILINE)
    ]
    for line in shown:
        words = shlex.split(line, comments=True)
        if "./run" not in words:
            continue
        door, *rest = words[words.index("./run") + 1 :]
        assert door in doors, line
        if door == "manage":
            accepts(rest)


def accepts(words):
    """Raises ``CommandError`` when the command does not take these words."""
    command, *rest = [word for word in words if word != "…"]
    owner = get_commands()[command]
    made = load_command_class(owner, command) if isinstance(owner, str) else owner
    made.create_parser("manage.py", command).parse_args(rest)


@pytest.mark.parametrize("path", PAGES, ids=name)
def test_links_lead_to_pages_that_are_there(path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), f"{name(path)} links to {target}"


def test_every_page_stands_in_a_list_of_pages():
    listed = {
        (page.parent / f"{each}.md").resolve()
        for page in PAGES
        for _, text in blocks(page, "{toctree}")
        for each in text.split()
        if not each.startswith(":")
    }
    assert {page.resolve() for page in PAGES if DOCS in page.parents} - listed == {DOCS / "index.md"}


def test_the_page_of_calls_names_everything_that_a_connector_may_use_of_them():
    page = (DOCS / "http.md").read_text("utf-8")
    methods = {each for each in vars(Http) if not each.startswith("_")} - {"close", "redact", "doubt"}
    arguments = set(signature(Http.request).parameters) - {"self", "method", "path"}
    answers = {f"answer.{each}" for each in vars(Answer) if not each.startswith("_")}
    assert not [
        each for each in methods | arguments | answers if not re.search(rf"\b{re.escape(each)}\b", page)
    ]


def test_the_page_for_authors_names_every_promise():
    page = (DOCS / "write-a-connector.md").read_text("utf-8")
    assert not [
        promise.name for promise in Promise if f"`{promise.name}`" not in page.replace("Promise.", "")
    ]
