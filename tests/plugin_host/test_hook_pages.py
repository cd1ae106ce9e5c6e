"""Every hook has its page, its example works in the portal, and some test tries it."""

import ast
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from docs.hook_pages import EXAMPLE, hook_pages, specs
from portal.plugins.discovery import GROUP, PluginSource
from portal.plugins.manager import HOOKS, PluginManager
from portal.sdk import (
    CaseOpened,
    ConnectionInfo,
    FlowInfo,
    Hold,
    LeaveOut,
    Match,
    Offer,
    OperationDone,
    RecordApplied,
    Subject,
    Unmatched,
    WebhookHeard,
)
from portal.sdk.subjects import RecordKind
from tests.toys import level, order

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOP = ConnectionInfo("old-shop", "Old shop", "shopify")
FLOW = FlowInfo("order", SHOP, ConnectionInfo("market", "Market", "marketplace"))
SHIPPED = FlowInfo("shipment", FLOW.target, SHOP)
KIND: RecordKind = "order"

CALLS = {
    "decide_route": (
        {"flow": FLOW, "records": [order(1), order(2, total="9000.00", shipping={"country": "DE"})]},
        [
            LeaveOut("o1", "It is collected in the shop."),
            Hold("o2", "It is above 5,000.", "Call the customer, then try it again."),
        ],
    ),
    "decide_availability": (
        {"flow": FLOW, "levels": [level("p", "l", 40), level("q", "l", 1)]},
        [Offer("p@l", Decimal(10)), Offer("q@l", Decimal(0))],
    ),
    "decide_match": (
        {"connection": SHOP, "kind": "product", "unmatched": [Unmatched("7", "OLD-A"), Unmatched("8", "B")]},
        [Match("7", "A")],
    ),
    "on_record_applied": (
        {"event": RecordApplied("k", NOW, True, Subject(KIND, 1, SHOP, order(1)))},
        ["The warehouse was told of #1."],
    ),
    "on_operation_done": (
        {"event": OperationDone("k", NOW, SHIPPED, "shipment", 1, "S1", "9", {}, {})},
        ["Old shop shows the parcel to the customer."],
    ),
    "on_case_opened": (
        {"event": CaseOpened("k", NOW, 1, "unknown-product", "A title", "Mend it.", "/admin/")},
        ["The chat was told."],
    ),
    "on_webhook": (
        {"event": WebhookHeard("k", NOW, SHOP, "returns/create", "r1", b'{"reason": "too small"}')},
        ["r1 comes back: too small."],
    ),
}


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The plugin that a hook's page shows, loaded by the portal's own host."""

    def load(hook):
        text = (ROOT / "docs" / "hooks" / f"{hook}.md").read_text("utf-8").partition(EXAMPLE)[2]
        blocks = [part.partition("```")[0] for part in text.split("```python\n")[1:]]
        assert blocks, f"show on docs/hooks/{hook}.md how it is used"
        name = f"example_{hook}"
        (tmp_path / f"{name}.py").write_text("\n".join(blocks), "utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return PluginManager(
            [PluginSource("example", name, "example", "1", EntryPoint("example", name, GROUP))]
        )

    return load


def test_the_pages_are_those_of_the_hooks():
    assert tuple(specs()) == HOOKS
    there = {path.name for path in (ROOT / "docs" / "hooks").glob("*.md")}
    assert there == {path.name for path, _ in hook_pages(ROOT / "docs")}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_says_since_when_it_is_there_and_its_example_is_taken_by_the_portal(example, hook):
    assert ".. versionadded:: " in specs()[hook].__doc__
    host = example(hook)
    assert host.failures == []
    assert hook in host.brings("example").hooks


@pytest.mark.parametrize("hook", CALLS)
def test_an_example_answers_as_its_page_says(example, hook):
    (implementation,) = example(hook).implementations(hook)
    arguments, answers = CALLS[hook]
    assert list(implementation(**arguments)) == answers


def test_every_hook_that_is_called_later_is_called_here():
    assert set(CALLS) == {hook for hook in HOOKS if not hook.startswith("register_")}


TRIED = {
    "register_connectors": "plugin_host/test_manager.py::test_a_connector_is_found_by_its_key",
    "register_jobs": "plugin_host/test_service.py::test_a_job_for_each_connection_gets_its_connector_opened",
    "register_topics": "plugin_host/test_topics.py::test_register_topics_subscribes_them_beside_the_connectors_own",
    "register_transforms": "plugin_host/test_transforms.py::test_register_transforms_makes_them_known_by_their_whole_name",
    "register_settings": "connections/test_plugin_settings.py::test_settings_that_are_not_complete_say_what_is_missing",
    "register_permissions": "desk/test_surfaces.py::test_roles_get_the_rights_that_a_plugin_wants_for_them",
    "register_panels": "desk/test_plugin_panels.py::test_a_panel_is_drawn_from_plain_values_on_each_kind_of_record",
    "register_actions": "desk/test_plugin_actions.py::test_an_action_that_fails_says_why",
    "register_tiles": "desk/test_plugin_tiles.py::test_a_tile_shows_its_figures_on_the_dashboard",
    "register_urls": "desk/test_plugin_pages.py::test_a_page_asks_for_its_permission",
    "register_retention": "sync/test_retention.py::test_plugins_remove_their_own",
    "decide_route": "plugin_host/test_decisions.py::"
    "test_decide_route_is_asked_once_for_a_page_and_what_it_leaves_out_is_not_sent",
    "decide_availability": "plugin_host/test_decisions.py::test_decide_availability_is_asked_once_and_shows_fewer",
    "decide_match": "plugin_host/test_decisions.py::test_decide_match_ties_what_is_called_differently",
    "on_record_applied": "plugin_host/test_notices.py::"
    "test_on_record_applied_tells_of_what_came_in_and_of_what_changed",
    "on_operation_done": "plugin_host/test_notices.py::test_on_operation_done_tells_what_the_remote_has",
    "on_case_opened": "plugin_host/test_notices.py::test_on_case_opened_tells_of_each_case_once",
    "on_webhook": "plugin_host/test_topics.py::test_on_webhook_is_told_to_the_plugin_that_asked_and_to_nobody_else",
}
"""Where each hook is tried with what it is for."""


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_tried(hook):
    assert hook in TRIED, f"write a test of {hook}, and name it here"
    file, _, name = TRIED[hook].partition("::")
    found = ast.walk(ast.parse((ROOT / "tests" / file).read_text("utf-8")))
    assert name in {each.name for each in found if isinstance(each, ast.FunctionDef)}
