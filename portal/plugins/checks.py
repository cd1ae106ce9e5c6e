"""System checks: what must hold before any process of the portal starts."""

from typing import Any

from django.conf import settings
from django.core import checks

from portal.plugins.admission import State
from portal.plugins.overview import overview

# Measured: with other values django-q2 loses, doubles or hoards tasks. See docs/decisions/0001.
REQUIRED = {"max_attempts": 1, "ack_failures": True, "catch_up": False, "bulk": 1, "guard_cycle": 0.5}
MEND = "Mend or uninstall the plugin, or name it in PORTAL_PLUGINS_DISABLED; docs/plugins.md tells how."


@checks.register()
def jobs_ring_and_nothing_else(**_: Any) -> list[checks.CheckMessage]:
    """Q_CLUSTER keeps the promises the engine is built on."""
    conf = settings.Q_CLUSTER
    wrong = [f"{key} must be {value!r}" for key, value in REQUIRED.items() if conf.get(key) != value]
    if conf.get("queue_limit") != conf.get("workers"):
        wrong.append("queue_limit must equal workers")
    if not conf.get("timeout") or conf.get("retry", 0) <= conf["timeout"]:
        wrong.append("retry must be greater than timeout, and timeout must be set")
    if "ALT_CLUSTERS" not in conf:
        wrong.append("ALT_CLUSTERS must be defined")
    if not wrong:
        return []
    return [
        checks.Error(
            f"Q_CLUSTER in the settings is not safe for the engine: {'; '.join(wrong)}.",
            hint="Take the values of config/jobs.py; docs/decisions/0001 tells what was seen with others.",
            id="portal.E001",
        )
    ]


@checks.register()
def plugins_can_be_used(**_: Any) -> list[checks.CheckMessage]:
    """A plugin that cannot be used is left out, and said so at every start; PORTAL_STRICT allows none.

    One that was not examined yet is no error, or a strict `serve` would never come to examine it.
    """
    return [
        _strict(reason) if settings.STRICT and line.state != State.UNTRIED else _lenient(reason)
        for line in overview()
        if line.wrong
        for reason in line.reasons
    ]


def _strict(reason: str) -> checks.CheckMessage:
    return checks.Error(reason, hint=MEND, id="portal.E002")


def _lenient(reason: str) -> checks.CheckMessage:
    return checks.Warning(reason, hint=MEND, id="portal.W001")
