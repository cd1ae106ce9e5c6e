"""The system checks that hold what the engine is built on."""

import pytest
from django.core.checks import run_checks

from portal.plugins import checks


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


def test_a_plugin_that_cannot_be_used_is_told_at_every_start(monkeypatch):
    monkeypatch.setattr(checks, "troubles", lambda: ["The plugin acme is refused: it is broken."])
    [warning] = messages("portal.W001")
    assert "acme" in warning.msg
    assert not warning.is_serious()


def test_a_strict_portal_does_not_start_with_a_plugin_that_cannot_be_used(monkeypatch, settings):
    settings.STRICT = True
    monkeypatch.setattr(checks, "troubles", lambda: ["The plugin acme is refused: it is broken."])
    [error] = messages("portal.E002")
    assert error.is_serious()
    assert messages("portal.W001") == []


def test_the_bundled_plugins_work():
    assert messages("portal.W001") == []
