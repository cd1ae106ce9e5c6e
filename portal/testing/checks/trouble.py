"""What goes wrong at the remote or on the way, and the error that says what happens next."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from portal.sdk.errors import Misconfigured, OutcomeUnknown, PortalError, RetryLater, SkipRecord
from portal.testing import faults
from portal.testing.bench import Bench, attempt, told
from portal.testing.faults import Fault
from portal.testing.push import KEY
from portal.testing.registry import Broken, check, counted, fetched, found, pulled, pushed, spanned, whole

Call = Callable[[], Any]
Errors = tuple[type[PortalError], ...]
LATER = "reading changed nothing, so it is simply done again later"
LONG_AGO, NOW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
DOUBT = "the remote may have done it, so it is looked up before anything is sent again"


@check("Asked to slow down (429), reading obeys Retry-After, given in seconds or as a date.", over=whole)
def reading_slows_down(bench: Bench, _: str) -> None:
    for where, call in reads(bench):
        for fault in faults.slow_down():
            _waits(bench, where, call, fault)


@check("Refused credentials (401, 403) while reading go to a person as `Misconfigured`.", over=whole)
def reading_tells_bad_credentials(bench: Bench, _: str) -> None:
    _each_read(bench, faults.DENIED, (Misconfigured,), "only a person can mend the credentials")


@check(
    "A remote that is down (5xx) while reading is `RetryLater`, also in the middle of the pages.", over=whole
)
def reading_outlives_an_outage(bench: Bench, _: str) -> None:
    _each_read(bench, faults.BROKEN, (RetryLater,), LATER, later_pages=True)


@check("A truncated answer is never taken for a short one: nothing of it is believed.", over=whole)
def a_truncated_page_is_not_believed(bench: Bench, _: str) -> None:
    _each_read(bench, faults.CUT, (RetryLater,), LATER, later_pages=True)


@check("A connection lost or timed out while reading is `RetryLater`.", over=whole)
def reading_outlives_a_lost_connection(bench: Bench, _: str) -> None:
    _each_read(bench, faults.LOST, (RetryLater,), LATER, later_pages=True)


@check(
    "A web page in the place of JSON (a login, a proxy) is `Misconfigured` or `RetryLater`, not a crash.",
    over=whole,
)
def a_web_page_is_no_answer(bench: Bench, _: str) -> None:
    _each_read(bench, [faults.WEB_PAGE], (Misconfigured, RetryLater), "answer.json() tells the two apart")


@check(
    "JSON of another shape is an error, never an empty page: silence would pass for “nothing changed”.",
    over=pulled,
)
def another_shape_is_not_an_empty_page(bench: Bench, kind: str) -> None:
    bench.remote.fail(faults.OTHER_SHAPE)
    try:
        pages = bench.pages(kind)
    except PortalError:
        return
    except Broken:
        raise
    except Exception as error:
        raise Broken(
            f"pull_{kind} met {faults.OTHER_SHAPE.name} and raised {told(error)}, which tells nobody what came. Read "
            "the list with answer.list(…) and an object with answer.object(…): they say what came instead."
        ) from error
    if any(page.rejected for page in pages):
        return
    raise Broken(
        f"pull_{kind} met {faults.OTHER_SHAPE.name} and took it for {len(pages)} empty pages. Read the list with "
        "answer.list(…), not with .get(): what is not there is not empty."
    )


@check(
    "Asked to slow down (429), writing is `RetryLater` with the wait: the remote did nothing.", over=pushed
)
def writing_slows_down(bench: Bench, kind: str) -> None:
    for fault in faults.slow_down():
        _waits(bench, *_write(bench, kind), fault, writes_only=True)


@check("Refused credentials (401, 403) while writing are `Misconfigured`.", over=pushed)
def writing_tells_bad_credentials(bench: Bench, kind: str) -> None:
    _each_write(bench, kind, faults.DENIED, (Misconfigured,), "only a person can mend the credentials")


@check("A change that the remote refuses (422) is `SkipRecord`: the others go on.", over=pushed)
def a_refused_change_is_set_aside(bench: Bench, kind: str) -> None:
    _each_write(bench, kind, [faults.INVALID], (SkipRecord,), "a person mends this record, the others go on")


@check(
    "A failure (5xx) after a write was sent is `OutcomeUnknown`, and nothing is sent again by itself.",
    over=pushed,
)
def a_failed_write_is_in_doubt(bench: Bench, kind: str) -> None:
    _each_write(bench, kind, faults.BROKEN, (OutcomeUnknown,), DOUBT)


@check(
    "A lost answer (time-out after success, broken connection) is `OutcomeUnknown`, and sent once.",
    over=pushed,
)
def a_lost_answer_is_in_doubt(bench: Bench, kind: str) -> None:
    _each_write(bench, kind, faults.LOST, (OutcomeUnknown,), DOUBT)


@check("A write's answer that cannot be read (cut, a web page, other JSON) is `OutcomeUnknown`.", over=pushed)
def an_unreadable_receipt_is_in_doubt(bench: Bench, kind: str) -> None:
    _each_write(bench, kind, [*faults.CUT, faults.WEB_PAGE], (OutcomeUnknown,), DOUBT)
    where, call = _write(bench, kind)
    bench.remote.fail(faults.OTHER_SHAPE, writes_only=True)
    try:
        call()  # well, where nothing of the answer is needed
    except OutcomeUnknown:
        return
    except Exception as error:
        raise Broken(
            f"{where} was answered with {faults.OTHER_SHAPE.name} and raised {told(error)}. Raise OutcomeUnknown: {DOUBT}. "
            'Read what you need with answer.value("id") or answer.object(…), which do so by themselves.'
        ) from error
    finally:
        bench.remote.fail(None)


def reads(bench: Bench) -> Iterator[tuple[str, Call]]:
    """Every way of reading that the connector has."""
    yield "check()", lambda: bench.connect().check()
    for kind in pulled(bench.connector):
        yield f"pull_{kind}", partial(bench.pages, kind)
    for kind in fetched(bench.connector):
        ids = list(bench.expected(kind))[:1]
        yield f"fetch_{kind}", partial(bench.fetch, kind, ids)
    for kind in found(bench.connector):
        change = bench.push(kind).change(key=KEY)
        yield f"find_{kind}", partial(bench.find, kind, change)
    for kind in counted(bench.connector):
        yield f"count_{kind}", partial(bench.count, kind, LONG_AGO, NOW)
    for kind in spanned(bench.connector):
        yield f"read_{kind}", partial(bench.read, kind, LONG_AGO, NOW)


def _each_read(
    bench: Bench, troubles: list[Fault], wanted: Errors, because: str, *, later_pages: bool = False
) -> None:
    for where, call in reads(bench):
        bench.remote.fail(None)
        bench.remote.requests.clear()
        attempt(call, where, "These are the remote's good answers.")
        calls = len(bench.remote.requests)
        # A lookup that cannot tell may also say so.
        allowed = (*wanted, OutcomeUnknown) if where.startswith("find_") and RetryLater in wanted else wanted
        for fault in troubles:
            if calls:
                meets(bench, where, call, fault, allowed, because)
            if later_pages and calls > 1:
                meets(bench, f"{where}, at its second call,", call, fault, allowed, because, after=1)


def _each_write(bench: Bench, kind: str, troubles: list[Fault], wanted: Errors, because: str) -> None:
    where, call = _write(bench, kind)
    bench.remote.requests.clear()
    attempt(call, where, "These are the remote's good answers.")
    count = len(bench.remote.writes)
    if not count:
        raise Broken(
            f"{where} sent nothing. Send the change, or name a route in reads only if it changes nothing."
        )
    for after in sorted({0, count - 1}):
        # Once something was written, the whole may also be in doubt.
        allowed, at = (
            ((*wanted, OutcomeUnknown), f", at its write number {after + 1},") if after else (wanted, "")
        )
        for fault in troubles:
            bench.remote.requests.clear()
            meets(bench, f"{where}{at}", call, fault, allowed, because, writes_only=True, after=after)
            if len(sent := bench.remote.writes) > after + 1:
                raise Broken(
                    f"{where} met {fault.name} and sent {len(sent) - after} writes by itself. Send once and raise: "
                    "the portal knows when it is right to send again."
                )


def meets(
    bench: Bench,
    where: str,
    call: Call,
    fault: Fault,
    wanted: Errors,
    because: str,
    *,
    writes_only: bool = False,
    after: int = 0,
) -> PortalError:
    """The error that the call raises when it meets the fault. Raises ``Broken`` for another, or none."""
    names = " or ".join(each.__name__ for each in wanted)
    bench.remote.fail(fault, writes_only=writes_only, after=after)
    try:
        call()
    except wanted as error:
        return error
    except Broken:
        raise
    except Exception as error:
        raise Broken(
            f"{where} met {fault.name} and raised {told(error)}. Raise {names}: {because}. portal.sdk.Http does so "
            "by itself."
        ) from error
    finally:
        bench.remote.fail(None)
    raise Broken(
        f"{where} met {fault.name} and went on as if nothing had happened. Raise {names}: {because}. "
        "portal.sdk.Http does so by itself; do not catch what it raises."
    )


def _waits(bench: Bench, where: str, call: Call, fault: Fault, *, writes_only: bool = False) -> None:
    bench.remote.requests.clear()
    error = meets(
        bench, where, call, fault, (RetryLater,), "the remote asked us to wait", writes_only=writes_only
    )
    assert isinstance(error, RetryLater)
    wanted = faults.WAIT.total_seconds()
    if error.after is None or abs(error.after.total_seconds() - wanted) > 5:
        said = "says nothing about the wait" if error.after is None else f"waits {error.after}"
        raise Broken(
            f"{where} met {fault.name} ({wanted:.0f} seconds) and {said}. Raise RetryLater(after=…) with the remote's own "
            "wait; portal.sdk.Http reads both forms."
        )
    if len(bench.remote.requests) > 10:
        raise Broken(
            f"{where} met {fault.name} and went on asking. Raise RetryLater at once; the portal waits."
        )


def _write(bench: Bench, kind: str) -> tuple[str, Call]:
    change = bench.push(kind).change()
    return f"push_{kind}", lambda: bench.send(kind, change)
