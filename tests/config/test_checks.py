"""The system checks that hold what the engine is built on."""

import pytest
from django.core.checks import run_checks

from portal.plugins import checks
from portal.plugins.admission import State
from portal.plugins.manager import Brings
from portal.plugins.overview import Line


def messages(identity):
    return [message for message in run_checks() if message.id == identity]


def test_the_queue_s_settings_are_safe():
    assert messages("portal.E001") == []


@pytest.mark.parametrize(
    "change",
    [
        {"max_attempts": 0},
        {"ack_failures": False},
        {"catch_up": True},
        {"bulk": 10},
        {"guard_cycle": 5},
        {"queue_limit": 50},
        {"retry": 60, "timeout": 60},
        {"timeout": None},
    ],
    ids=str,
)
def test_a_queue_that_could_lose_or_double_work_does_not_start(settings, change):
    settings.Q_CLUSTER = settings.Q_CLUSTER | change
    [error] = messages("portal.E001")
    assert error.is_serious()
    assert next(iter(change)) in error.msg


def test_clusters_of_other_names_must_be_defined(settings):
    settings.Q_CLUSTER = {key: value for key, value in settings.Q_CLUSTER.items() if key != "ALT_CLUSTERS"}
    assert "ALT_CLUSTERS" in messages("portal.E001")[0].msg


@pytest.mark.parametrize(
    ("strict", "state", "identity"),
    [
        (False, State.REFUSED, "portal.W001"),
        (False, State.UNTRIED, "portal.W001"),
        (True, State.QUARANTINED, "portal.E002"),
        (True, "failed", "portal.E002"),
        (True, State.UNTRIED, "portal.W001"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_told_and_stops_only_a_strict_start(
    monkeypatch, settings, strict, state, identity
):
    line = Line("acme", "portal-acme", "1.0", state, ("The plugin acme is broken.",), Brings())
    settings.STRICT = strict
    monkeypatch.setattr(checks, "overview", lambda: [line])
    [message] = messages("portal.W001") + messages("portal.E002")
    assert (message.msg, message.id) == ("The plugin acme is broken.", identity)
    assert message.is_serious() is (identity == "portal.E002")


def test_a_plugin_that_the_operator_left_out_is_no_trouble(monkeypatch, settings):
    line = Line("acme", "portal-acme", "1.0", State.DISABLED, ("It is named.",), Brings())
    settings.STRICT = True
    monkeypatch.setattr(checks, "overview", lambda: [line])
    assert messages("portal.W001") + messages("portal.E002") == []


def test_the_bundled_plugins_work():
    assert messages("portal.W001") == []
