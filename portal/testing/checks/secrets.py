"""Secrets stay secret: not in a log, a repr, an error, a sentence or a record."""

from __future__ import annotations

import io
import logging
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import partial
from typing import Any
from urllib.parse import quote

from portal.testing import faults
from portal.testing.bench import Bench, founds
from portal.testing.checks.trouble import reads
from portal.testing.faults import Fault
from portal.testing.registry import Broken, check, found, pulled, pushed, whole
from portal.testing.script import Reply


@check("No secret in a repr, nor in the settings'.", over=whole)
def reprs_hide_secrets(bench: Bench, _: str) -> None:
    connector = bench.connect()
    _hidden(bench, "repr(connector)", repr(connector) + str(connector))
    _hidden(bench, "repr(settings)", repr(connector.settings) + str(connector.settings))


@check("No secret in what people read: the health text, notes, records and their raws.", over=whole)
def sentences_hide_secrets(bench: Bench, _: str) -> None:
    _hidden(bench, "the sentence of check()", str(bench.connect().check()))
    for kind in pulled(bench.connector):
        for each in founds(bench.pages(kind)):
            _hidden(bench, f"a record of pull_{kind}", repr(each))
    for kind in pushed(bench.connector):
        _hidden(bench, f"the receipt of push_{kind}", repr(bench.send(kind, bench.push(kind).change())))


@check(
    "No secret in an error or its traceback's words, also when the remote repeats what we sent.", over=whole
)
def errors_hide_secrets(bench: Bench, _: str) -> None:
    calls = list(reads(bench))
    for kind in pushed(bench.connector):
        change = bench.push(kind).change()
        calls.append((f"push_{kind}", partial(bench.send, kind, change)))
    echo = Reply(400, {"error": "You sent " + ", ".join(bench.secrets())})
    lost = [*faults.LOST, faults.WEB_PAGE, *faults.DENIED, *faults.BROKEN]
    for where, call in calls:
        for fault in [Fault("HTTP 400 that repeats our credentials", echo), *lost]:
            _hidden(bench, f"the error of {where} after {fault.name}", _words(bench, call, fault))


@check("No secret in a log or on the screen, at any level, in good times and bad.", over=whole)
def logs_hide_secrets(bench: Bench, _: str) -> None:
    with _listening() as heard:
        for _where, call in reads(bench):
            _words(bench, call, None)
            _words(bench, call, faults.DENIED[0])
        for kind in pushed(bench.connector):
            change = bench.push(kind).change()
            _words(bench, partial(bench.send, kind, change), None)
    _hidden(bench, "a log line or a print", heard())


@check("No secret in an address: query strings end up in the logs of every server on the way.", over=whole)
def addresses_hide_secrets(bench: Bench, _: str) -> None:
    for _where, call in reads(bench):
        call()
    for kind in pushed(bench.connector):
        bench.send(kind, bench.push(kind).change())
    for kind in found(bench.connector):
        bench.find(kind, bench.push(kind).change())
    for request in bench.remote.requests:
        _hidden(bench, f"the address of {request.method} {request.path}", request.target)


def _words(bench: Bench, call: Callable[[], Any], fault: Fault | None) -> str:
    bench.remote.fail(fault)
    try:
        call()
    except Broken:
        raise
    except Exception as error:
        # What a traceback prints at its end, of this error and all that led to it; not the source lines.
        chain = _chain(error)
        return "\n".join(repr(each) + "".join(traceback.format_exception_only(each)) for each in chain)
    finally:
        bench.remote.fail(None)
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        hidden = None if error.__suppress_context__ else error.__context__
        error = error.__cause__ or hidden


def _spellings(secret: str) -> set[str]:
    """A secret as it is, and as it goes over the line."""
    return {secret, quote(secret, safe=""), b64encode(secret.encode()).decode().rstrip("=")}


def _hidden(bench: Bench, where: str, text: str) -> None:
    for secret in bench.secrets():
        if any(spelling in text for spelling in _spellings(secret)):
            raise Broken(
                f"A secret of the settings stands in {where}. Give it to Http(secrets=[…]), send it as a header, and "
                "never put it into a text."
            )


@contextmanager
def _listening() -> Iterator[Callable[[], str]]:
    """Everything logged or printed meanwhile."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(stream), redirect_stderr(stream):
            yield stream.getvalue
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
