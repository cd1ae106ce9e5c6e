"""What a plugin registers is checked thing by thing: what is wrong is told and left out, its neighbours are taken."""

from datetime import timedelta

import pytest

from portal.plugins.manager import HOOKS, Implementation, PluginManager
from portal.plugins.registered import CLASSES, THINGS
from portal.sdk import (
    Permission,
    PluginJob,
    PluginUrl,
    RecordAction,
    RecordPanel,
    Retention,
    Tile,
    Topic,
    Transform,
)

DAY = timedelta(days=1)


@pytest.fixture
def ask(monkeypatch):
    """What becomes of the answers of one plugin's hooks: the manager that asked them."""

    def registered(**hooks):
        found = {
            hook: [Implementation("labels", hook, lambda answers=answers: answers, ())]
            for hook, answers in hooks.items()
        }
        monkeypatch.setattr(PluginManager, "_find", lambda self, hook: found.get(hook, []))
        return PluginManager([])

    return registered


def panel(name="labels", title="Labels", kinds=("order",), show=lambda subject: [], **more):
    return RecordPanel(name, title, kinds, show, **more)


WRONG = {
    "a name with a blank": (panel(name="my labels"), "has to be lower-case letters"),
    "no title": (panel(title=" "), "has no title"),
    "a kind without a page": (panel(kinds=("invoice",)), "is for 'invoice', which has no page"),
    "no function": (panel(show="labels"), "show of RecordPanel 'labels' is no function"),
    "other arguments": (panel(show=lambda order: []), r"cannot be called as show(subject=…)"),
    "an unknown permission": (panel(permission="print"), "wants the permission 'print', which"),
    "a job without a rhythm": (
        PluginJob("tidy", "Tidy", timedelta(0), lambda: ""),
        "every of PluginJob 'tidy' has to be a timedelta",
    ),
    "a job for each connection that takes none": (
        PluginJob("tidy", "Tidy", DAY, lambda: "", connectors=("acme",)),
        "cannot be called as run(connector=…, connection=…)",
    ),
    "an action for everybody": (
        RecordAction("print", "Print", ("order",), lambda subject, by: "", permission=""),
        "has no permission, so that everybody could press it",
    ),
    "a public page with a permission": (
        PluginUrl("x/", "acme.views.x", "x", permission="records.view_order", public=True),
        "it can only be one of the two",
    ),
    "a page without a view": (PluginUrl("x/", "x", "x"), "the view of PluginUrl 'x'"),
    "a route that Django cannot read": (
        PluginUrl("<uid:x>/", print, "x"),
        "the route '<uid:x>/' of PluginUrl 'x'",
    ),
    "a route with a slash too many": (PluginUrl("/x/", print, "x"), "has to begin without a /"),
    "a transform without a value": (
        Transform("upper", "Upper", lambda: ""),
        "cannot be called as run(value)",
    ),
    "an unknown role": (Permission("print", "Can print", ("boss",)), "is for the role 'boss'"),
    "rows kept for no time": (Retention("rows", "Rows", timedelta(0), lambda before, most: 0), "keep of"),
}
HOOK_OF = {cls: hook for hook, cls in THINGS.items()}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_and_left_out(ask, case):
    thing, sentence = WRONG[case]
    manager = ask(**{HOOK_OF[type(thing)]: [thing]})
    assert manager.brought(type(thing)) == []
    assert len(manager.failures) == 1
    assert sentence in manager.failures[0].reason


def test_a_name_is_taken_once_and_its_neighbours_are_taken(ask):
    manager = ask(register_panels=[panel(), panel(title="Again"), panel(name="more"), "panel"])
    assert [each.name for _, each in manager.brought(RecordPanel)] == ["labels", "more"]
    assert "there is more than one RecordPanel 'labels'" in manager.failures[0].reason
    assert "returned 'panel', which is not what that hook returns" in manager.failures[1].reason


def test_a_permission_of_the_plugins_own_or_of_djangos_can_be_named(ask):
    manager = ask(
        register_permissions=[Permission("print", "Can print labels", ("operator",))],
        register_panels=[panel(permission="print"), panel(name="b", permission="records.view_order")],
    )
    assert manager.failures == []
    assert [plugin for plugin, _ in manager.brought(RecordPanel)] == ["labels", "labels"]


def test_every_hook_that_registers_says_what_it_returns():
    assert {*THINGS, *CLASSES} == {hook for hook in HOOKS if hook.startswith("register_")}


def test_what_was_registered_stands_with_the_plugin(ask, monkeypatch):
    manager = ask(
        register_tiles=[Tile("today", "Today", list)], register_topics=[Topic("acme", "returns/create")]
    )
    monkeypatch.setattr(manager._pluggy, "get_plugin", lambda name: manager)
    monkeypatch.setattr(manager, "_modules", {"labels": "tests"})
    assert manager.brings("labels").more == (
        ("webhook topic", "returns/create", ""),
        ("tile", "today", "Today"),
    )
