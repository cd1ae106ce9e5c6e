"""How an answer goes wrong, as data. Each fault names itself as an author would read it in a sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from email.utils import formatdate
from time import time
from typing import Literal

from portal.testing.script import Reply

PAGE = b"<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>"
WAIT = timedelta(seconds=37)


@dataclass(frozen=True)
class Fault:
    """``reply`` takes the place of the true answer (None: the true one is spoilt on its way).

    ``wire``: *whole* arrives; *cut* breaks the connection in the middle of the body; *half* is half a body
    that claims to be all; *lost* is a connection closed without a byte; *silent* is a time-out. The remote
    has done what it was asked before the last four.
    """

    name: str
    reply: Reply | None = None
    wire: Literal["whole", "cut", "half", "lost", "silent"] = "whole"


def refusal(status: int, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"error": f"scripted HTTP {status}"}, named)


def slow_down() -> list[Fault]:
    """429 in both forms of Retry-After; made anew, because a date grows old."""
    until = formatdate(time() + WAIT.total_seconds(), usegmt=True)
    return [
        Fault("HTTP 429 with Retry-After in seconds", refusal(429, Retry_After=str(WAIT.seconds))),
        Fault("HTTP 429 with Retry-After as a date", refusal(429, Retry_After=until)),
    ]


DENIED = [Fault("HTTP 401", refusal(401)), Fault("HTTP 403", refusal(403))]
BROKEN = [
    Fault("HTTP 500", refusal(500)),
    Fault("HTTP 502 with a web page", Reply(502, PAGE, {"Content-Type": "text/html"})),
]
CUT = [
    Fault("an answer cut off in the middle", wire="cut"),
    Fault("half of the JSON", wire="half"),
]
LOST = [
    Fault("a connection closed before the answer", wire="lost"),
    Fault("a time-out after the remote had done it", wire="silent"),
]
WEB_PAGE = Fault("a web page instead of JSON", Reply(200, PAGE, {"Content-Type": "text/html"}))
OTHER_SHAPE = Fault("JSON of another shape", Reply(200, {"scripted": "another shape"}))
INVALID = Fault("HTTP 422", refusal(422))
