"""Words: people's names and notes arrive as they were written."""

from __future__ import annotations

from typing import Any

from portal.sdk.records import Record
from portal.testing.bench import Bench
from portal.testing.registry import Broken, check, pulled, pushed
from portal.testing.victim import Victim, facts, nodes, replace_leaves, spelled

FREE = {
    "title",
    "name",
    "company",
    "street",
    "street2",
    "city",
    "region",
    "note",
    "reason",
    "carrier",
    "tracking",
}
ODD = " Zażółć 北京 🫖 e\u0301x"


@check("Every letter survives reading: accents, other scripts, emoji.", over=pulled)
def unicode_survives_reading(bench: Bench, kind: str) -> None:
    victim = Victim(bench, kind)
    words = {leaf for _, leaf in nodes(victim.raw) if isinstance(leaf, str)} & set(
        _words(victim.own).values()
    )
    if not words:
        return
    page = victim.read(lambda raw: replace_leaves(raw, lambda leaf: leaf + ODD if leaf in words else leaf))
    if page.rejected:
        raise Broken(
            f"pull_{kind} sets an object aside because of its letters: {page.rejected[0].reason}. Names may hold any."
        )
    before, after = _words(victim.own), _words(victim.again(page))
    for path, word in before.items():
        if word in words and after.get(path) not in (word + ODD, word):
            raise Broken(
                f"{kind}: {spelled(path)} “{word}{ODD}” arrives as “{after.get(path)}”. Let text through as it is "
                "(JSON is UTF-8); do not encode, strip or transliterate."
            )


@check("Every letter survives writing: what is pushed arrives as it was written.", over=pushed)
def unicode_survives_writing(bench: Bench, kind: str) -> None:
    push = bench.push(kind)
    bench.send(kind, push.change())
    plain = _sent(bench)
    texts = {name: getattr(push.record, name) for name in type(push.record).model_fields if name in FREE}
    seen = {name: text for name, text in texts.items() if text and text in plain}
    bench.remote.requests.clear()
    bench.send(kind, push.change(**{name: text + ODD for name, text in seen.items()}))
    arrived = _sent(bench)
    for name, text in seen.items():
        if text + ODD not in arrived:
            raise Broken(
                f"push_{kind} sends the {name} “{text}{ODD}” with other letters. Send JSON with "
                "self.http.post(…, json=…), which is UTF-8."
            )


def _words(own: list[Record]) -> dict[Any, str]:
    return {
        (index, *path): value
        for index, record in enumerate(own)
        for path, value in facts(record)
        if isinstance(value, str) and len(value) > 1 and path[-1] in FREE
    }


def _sent(bench: Bench) -> list[Any]:
    """Every text that the writes held, as the remote understands it."""
    return [
        leaf for request in bench.remote.writes for _, leaf in nodes(request.json) if isinstance(leaf, str)
    ]
