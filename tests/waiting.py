"""Waiting for what another thread or process does."""

import time

import pytest


def eventually(condition, seconds=20.0, so_far=lambda: ""):
    """The condition's first truthy value; fails when there is none in time, with how it stands by then."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"this did not come true within {seconds} s: {so_far()}")
