"""Webhooks: hints that anybody may send, and only the remote can sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from portal.sdk.connector import Hint, Webhook
from portal.sdk.errors import Forged
from portal.testing.bench import Bench, attempt, told
from portal.testing.registry import Broken, asking, check, hearing, knowing

HOOK = "https://portal.example/hooks/1"
OURS, OLD, FOREIGN = "contract-ours", "contract-old", "contract-foreign"


@check("A genuine webhook is a hint whose kind can be fetched, with a dedupe key.", over=hearing)
def a_genuine_webhook_is_heard(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        for hint in _hear(bench, _signed(bench, event)):
            if not isinstance(hint, Hint) or not hint.dedupe_key:
                raise Broken(
                    f"hear gave {hint!r}. Give a Hint with the dedupe key that makes this event one event."
                )
            if hint.kind and not (hasattr(bench.connector, f"fetch_{hint.kind}") and hint.external_id):
                raise Broken(
                    f"hear gave a hint about {hint.kind} {hint.external_id!r}, which nothing can fetch. Add "
                    f"fetch_{hint.kind}, or give no hint about it."
                )


@check("A webhook delivered twice gives the same hints and dedupe key, so that it counts once.", over=hearing)
def a_doubled_webhook_counts_once(bench: Bench, _: str) -> None:
    connector = bench.connect()
    for event in bench.contract.events:
        webhook = _signed(bench, event)
        once, again = (_hear(bench, webhook, connector) for _ in range(2))
        if once != again or _hear(bench, _signed(bench, event, minutes=-1)) != once:
            raise Broken(
                f"hear gives {once} for a webhook, and {again} when it is delivered again. The dedupe key has to come "
                "from the event itself (its id), and hear may remember nothing."
            )


@check(
    "Webhooks out of order give the same hints: what is newer is decided by versions, not by arrival.",
    over=hearing,
)
def unordered_webhooks_are_heard_alike(bench: Bench, _: str) -> None:
    events = list(bench.contract.events)
    one, other = bench.connect(), bench.connect()
    onward = [_hear(bench, _signed(bench, event), one) for event in events]
    backward = [_hear(bench, _signed(bench, event), other) for event in reversed(events)][::-1]
    if onward != backward:
        raise Broken("hear gives other hints when webhooks arrive in another order. It may remember nothing.")
    keys = [hint.dedupe_key for hints in onward for hint in hints]
    if len(set(keys)) < len(keys):
        raise Broken(
            f"Two different events have the dedupe key {max(keys, key=keys.count)!r}, so the second is dropped. Use "
            "the vendor's event id, or a digest of the body where it has none."
        )


@check("A signature made with another secret is `Forged`.", over=hearing)
def a_forged_signature_is_refused(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        _refused(bench, _signed(bench, event, FOREIGN), [OURS], "signed with a secret that is not ours")


@check("An empty or missing signature is `Forged`, and no secret at all lets nothing in.", over=hearing)
def an_empty_signature_is_refused(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        webhook = _signed(bench, event)
        proofs = _proofs(bench, event)
        if not proofs:
            raise Broken("The webhook of the test does not depend on the secret. Sign it as the vendor does.")
        for value in ("", "AAAA", "ü"):
            headers = {name: value if name in proofs else kept for name, kept in webhook.headers.items()}
            _refused(bench, Webhook(headers, webhook.body), [OURS], f"with the signature {value!r}")
        bare = {name: value for name, value in webhook.headers.items() if name not in proofs}
        _refused(bench, Webhook(bare, webhook.body), [OURS], "without a signature")
        for none in ([], [""]):
            _refused(bench, _signed(bench, event, ""), none, "while no secret is set")


@check(
    "A body altered by one byte is `Forged`: the raw bytes are verified, not what was parsed.", over=hearing
)
def an_altered_body_is_refused(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        webhook = _signed(bench, event)
        for body in (webhook.body + b" ", webhook.body.replace(b":", b": ", 1), _one_letter(webhook.body)):
            if body != webhook.body:
                _refused(bench, Webhook(webhook.headers, body), [OURS], "whose body was altered")


@check(
    "A signed time stamp that is hours old, or hours ahead, is `Forged`: old webhooks cannot be replayed.",
    over=hearing,
)
def an_old_webhook_is_refused(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        now, before = _signed(bench, event), _signed(bench, event, minutes=-180)
        proofs = _proofs(bench, event)
        stamped = now.body != before.body or any(now.headers[name] != before.headers[name] for name in proofs)
        if stamped:
            _refused(bench, before, [OURS], "stamped three hours ago")
            _refused(bench, _signed(bench, event, minutes=180), [OURS], "stamped three hours ahead")


@check("While a secret is replaced, webhooks signed with any of the active ones are heard.", over=hearing)
def several_secrets_are_active(bench: Bench, _: str) -> None:
    for event in bench.contract.events:
        for secret in (OURS, OLD):
            webhook = _signed(bench, event, secret)
            attempt(
                partial(bench.connect().hear, webhook, [OURS, OLD]),
                f"hear of a webhook signed with the {'newer' if secret == OURS else 'older'} of two secrets",
                "Try each of the secrets given (verify_hmac does).",
            )


@check("A body that is no event at all (empty, not JSON, a list) is `Forged`, not a crash.", over=hearing)
def a_senseless_body_is_refused(bench: Bench, _: str) -> None:
    # Without knowing how the vendor signs, the raw bytes cannot be signed anew: they are refused either way.
    webhook = _signed(bench, bench.contract.events[0])
    for body in (b"", b"[]", b"null", b"\xff"):
        _refused(bench, Webhook(webhook.headers, body), [OURS], f"whose body is {body!r}")


@check("`subscribe` may be called again, and says a sentence.", over=hearing)
def subscribing_again_is_harmless(bench: Bench, _: str) -> None:
    for _time in range(2):
        said = attempt(
            lambda: bench.connect().subscribe(HOOK, OURS),
            "subscribe",
            "Script its answers.",
        )
        if not isinstance(said, str) or len(said.split()) < 2:
            raise Broken(f"subscribe returned {said!r}. Return a sentence for people.")


@check("`subscribe_topics` asks for the topics named, may be called again, and says a sentence.", over=asking)
def topics_are_asked_for_by_name(bench: Bench, _: str) -> None:
    for _time in range(2):
        bench.remote.requests.clear()
        said = attempt(
            lambda: bench.connect().subscribe_topics(HOOK, OURS, ["contract.topic"]),
            "subscribe_topics",
            "Script its answers.",
        )
        if not isinstance(said, str) or len(said.split()) < 2:
            raise Broken(f"subscribe_topics returned {said!r}. Return a sentence for people.")
        if not any("contract.topic" in f"{request} {request.says}" for request in bench.remote.writes):
            raise Broken("subscribe_topics does not name the topics to the remote. Send each of them.")


@check("`subscribed` looks, changes nothing, and does not know an address that nobody gave.", over=knowing)
def a_strange_address_is_not_subscribed(bench: Bench, _: str) -> None:
    known = attempt(
        lambda: bench.connect().subscribed("https://portal.example/hooks/contract-gone"),
        "subscribed",
        "Script what it asks for.",
    )
    if known is not False:
        raise Broken(
            f"subscribed said {known!r} of an address that the script does not know. Compare the address: what was "
            "switched off there is never noticed otherwise."
        )
    if bench.remote.writes:
        raise Broken(
            f"subscribed sent {bench.remote.writes[0]}. It may only look; the portal subscribes again."
        )


def _signed(bench: Bench, event: Any, secret: str = OURS, *, minutes: int = 0) -> Webhook:
    webhook = bench.contract.webhook(event, secret, datetime.now(UTC) + timedelta(minutes=minutes))
    return Webhook({name.lower(): value for name, value in webhook.headers.items()}, webhook.body)


def _proofs(bench: Bench, event: Any) -> Mapping[str, str]:
    """The headers that depend on the secret."""
    ours, foreign = _signed(bench, event), _signed(bench, event, FOREIGN)
    return {name: value for name, value in ours.headers.items() if foreign.headers.get(name) != value}


def _hear(bench: Bench, webhook: Webhook, connector: Any = None) -> Sequence[Hint]:
    heard: Sequence[Hint] = attempt(
        lambda: (connector or bench.connect()).hear(webhook, [OURS]),
        "hear of a genuine webhook",
        "It is well signed.",
    )
    return list(heard)


def _refused(bench: Bench, webhook: Webhook, secrets: list[str], how: str) -> None:
    try:
        heard = bench.connect().hear(webhook, secrets)
    except Forged:
        return
    except Exception as error:
        raise Broken(f"hear met a webhook {how} and raised {told(error)}. Raise Forged.") from error
    raise Broken(
        f"hear believed a webhook {how} and gave {list(heard)}. Verify first: verify_hmac over webhook.body, verify_time "
        "for a signed stamp; both raise Forged."
    )


def _one_letter(body: bytes) -> bytes:
    place = max((index for index, byte in enumerate(body) if chr(byte).isalnum()), default=0)
    return body[:place] + (b"0" if body[place : place + 1] != b"0" else b"1") + body[place + 1 :]
