"""The connection itself: tested, used, given back."""

from __future__ import annotations

import time

from portal.testing.bench import Bench, attempt
from portal.testing.registry import Broken, check, pulled, pushed, whole


@check("`check()` returns a sentence, which stands beside the connection's health light.", over=whole)
def checking_says_a_sentence(bench: Bench, _: str) -> None:
    said = attempt(bench.connect().check, "check()", "With good answers it has to say a sentence.")
    if not isinstance(said, str) or len(said.split()) < 2 or "\n" in said:
        raise Broken(f"check() returned {said!r}. Return a sentence for people, such as “Acme 3.1, 2 shops”.")


@check("`check()` asks the remote: a test that makes no call proves nothing.", over=whole)
def checking_asks_the_remote(bench: Bench, _: str) -> None:
    bench.connect().check()
    if not bench.remote.requests:
        raise Broken("check() made no call. Ask the remote for something that needs the credentials.")
    if bench.remote.writes:
        raise Broken(
            f"check() sent {bench.remote.writes[0]}, which may change something. Only read, or name the route in reads."
        )


@check("Making a connector makes no call: forms and screens make them too.", over=whole)
def making_one_makes_no_call(bench: Bench, _: str) -> None:
    bench.connect()
    if bench.remote.requests:
        raise Broken(
            f"The constructor called {bench.remote.requests[0]}. Ask when something is needed, not before."
        )


@check("`close()` gives back the connections, and a second one is harmless.", over=whole)
def closing_gives_everything_back(bench: Bench, _: str) -> None:
    connector = bench.connect()
    connector.check()
    attempt(connector.close, "close()", "It has to work after any use.")
    deadline = time.monotonic() + 2
    while bench.remote.open_connections and time.monotonic() < deadline:
        time.sleep(0.005)
    if bench.remote.open_connections:
        raise Broken("close() leaves connections to the remote open. Call self.http.close() in it.")
    attempt(connector.close, "A second close()", "It also runs after an error; let it do nothing then.")


@check("Every call has a time limit: one without holds a worker for ever.", over=whole)
def no_call_waits_for_ever(bench: Bench, _: str) -> None:
    bench.connect().check()
    for kind in pulled(bench.connector):
        bench.pages(kind)
    for kind in pushed(bench.connector):
        bench.send(kind, bench.push(kind).change())
    if bench.untimed:
        raise Broken(
            f"{bench.untimed[0]} was called without a time limit. Use portal.sdk.Http, or give a timeout."
        )
