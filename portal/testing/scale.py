"""The quality scale of connectors: which rules lead to which level, and how each is proven.

>>> [level.title for level in Level]
['Bronze', 'Silver', 'Gold', 'Platinum']

A level is reached when every rule up to it is proven. A rule is proven by checks of the contract, all of them
passed for everything that the connector can do, or by a look at the class. A waived check proves its rule only
where it asks for something that a remote need not have (``OF_THE_REMOTE``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

from portal.sdk.connector import Connector
from portal.testing import traits
from portal.testing.registry import case_names

PASSED, WAIVED, FAILED = "passed", "waived", "failed"
Outcomes = Mapping[str, str]
"""What became of each case: ``passed``, ``waived: why`` or ``failed: why``."""


class Level(IntEnum):
    BRONZE = 1
    SILVER = 2
    GOLD = 3
    PLATINUM = 4

    @property
    def title(self) -> str:
        return self.name.capitalize()

    @property
    def means(self) -> str:
        return MEANS[self]


MEANS = {
    Level.BRONZE: "It does what it says on good days, keeps secrets, and harms nothing.",
    Level.SILVER: "On bad days nothing is lost, doubled or made up.",
    Level.GOLD: "It runs on its own: changes lead on, words and moments are right, people are rarely asked.",
    Level.PLATINUM: "Every lost answer settles itself, without a search or a person; orders that it brings are told at once.",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """``checks`` are names of the contract's checks; ``trait`` says what the class lacks, or nothing."""

    name: str
    level: Level
    why: str
    checks: tuple[str, ...] = ()
    trait: Callable[[type[Connector]], str] | None = None

    @property
    def proof(self) -> str:
        """How it is proven, in words."""
        return "a look at the class" if self.trait else "checks " + ", ".join(self.checks)


OF_THE_REMOTE = frozenset(
    {
        "amounts-keep-every-digit",
        "currencies-have-their-own-cents",
        "figures-are-exact",
        "an-old-webhook-is-refused",
        "the-cursor-leads-on",
    }
)
"""Checks that ask for what a remote need not have: prices, a second currency, stamps, “changed since”."""

B, S, G, P = Level
RULES = (
    Rule("it-says-what-it-is", B, "The portal makes forms, jobs and screens from what a connector declares.",
         ("it-has-a-name", "settings-make-a-form", "capabilities-are-whole", "signatures-fit",
          "promises-fit-the-pushes", "the-test-has-examples", "waivers-have-reasons")),
    Rule("it-can-be-tested", B, "Staff press Test and read a sentence before they rely on a connection.",
         ("checking-says-a-sentence", "checking-asks-the-remote", "making-one-makes-no-call",
          "closing-gives-everything-back")),
    Rule("it-keeps-secrets", B, "A password in a log is a password lost.",
         ("secrets-are-declared", "reprs-hide-secrets", "sentences-hide-secrets", "errors-hide-secrets",
          "logs-hide-secrets", "addresses-hide-secrets")),
    Rule("it-reads-everything", B, "What is not read is missing at every other system.",
         ("every-page-is-read", "a-circle-ends", "records-are-whole", "what-is-asked-for-comes")),
    Rule("its-figures-are-exact", B, "A cent that differs stops a record, and a person looks for it.",
         ("figures-are-exact", "amounts-keep-every-digit", "currencies-have-their-own-cents")),
    Rule("it-hears-only-the-remote", B, "Anybody may send a webhook.",
         ("a-genuine-webhook-is-heard", "a-forged-signature-is-refused", "an-empty-signature-is-refused",
          "an-altered-body-is-refused", "a-senseless-body-is-refused")),
    Rule("it-writes-what-it-is-told", B, "What is pushed arrives, is known by its id, and never hits the wrong thing.",
         ("a-push-gives-a-receipt", "a-missing-tie-is-set-aside", "stock-is-said-absolutely")),
    Rule("bad-days-cost-time-only", S, "Remotes are down, slow and behind login pages; reading goes on later.",
         ("reading-slows-down", "reading-tells-bad-credentials", "reading-outlives-an-outage",
          "a-truncated-page-is-not-believed", "reading-outlives-a-lost-connection", "a-web-page-is-no-answer",
          "another-shape-is-not-an-empty-page", "no-call-waits-for-ever")),
    Rule("a-lost-answer-doubles-nothing", S, "A write whose answer was lost is in doubt, and looked up.",
         ("writing-slows-down", "writing-tells-bad-credentials", "a-refused-change-is-set-aside",
          "a-failed-write-is-in-doubt", "a-lost-answer-is-in-doubt", "an-unreadable-receipt-is-in-doubt",
          "the-same-key-is-sent-again", "what-is-not-there-is-not-found", "what-was-pushed-is-found")),
    Rule("a-stop-loses-nothing", S, "Workers are stopped at any time, also in the middle of a long reading.",
         ("pages-come-one-by-one", "a-stop-in-the-middle-loses-nothing")),
    Rule("one-bad-object-stops-no-other", S, "One malformed object is set aside, and nothing is made up for it.",
         ("unknown-fields-are-ignored", "a-missing-field-sets-one-object-aside")),
    Rule("changes-lead-on", G, "Cost follows what changed, and newer versions win because they are the remote's.",
         ("the-cursor-leads-on", "the-same-answers-read-the-same")),
    Rule("what-was-missed-is-made-up-for", G, "What did not come in is noticed by its number, and read once more.",
         ("counting-agrees-with-reading", "a-span-is-read-whole", "a-span-keeps-to-its-ends")),
    Rule("moments-are-right", G, "An hour's error moves an order to another day.",
         ("moments-do-not-depend-on-the-machine", "offsets-are-understood")),
    Rule("words-are-kept", G, "A name that arrives garbled is a parcel that does not.",
         ("unicode-survives-reading", "unicode-survives-writing")),
    Rule("webhooks-come-as-they-come", G, "Doubled, late, out of order, and while the secret is renewed.",
         ("a-doubled-webhook-counts-once", "unordered-webhooks-are-heard-alike", "an-old-webhook-is-refused",
          "several-secrets-are-active", "subscribing-again-is-harmless", "topics-are-asked-for-by-name",
          "a-strange-address-is-not-subscribed", "what-is-gone-is-left-out")),
    Rule("several-at-once-do-not-mix", G, "Deliveries have several calls in flight.", ("pushes-at-once-do-not-mix",)),
    Rule("a-sale-is-never-overwritten", G, "Stock is written only over the figure that we believe is there.",
         ("stock-is-compared", "a-conflict-is-read-again")),
    Rule("settings-are-explained", G, "Who fills in the form need not know the vendor's words.",
         trait=traits.settings_are_explained),
    Rule("doubts-can-be-settled", G, "With class E every lost answer goes to a person.",
         trait=traits.doubts_can_be_settled),
    Rule("orders-are-told-at-once", P, "Between two readings an order waits; a webhook's does not.",
         trait=traits.orders_are_told_at_once),
    Rule("nothing-is-searched-for", P, "A search may lag behind what was written; a key or a unique reference does not.",
         trait=traits.nothing_is_searched_for),
    Rule("it-is-typed", P, "Types are checked before anything runs, and tell the next author what goes where.",
         trait=traits.it_is_typed),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unproven:
    """A rule that is not proven, and why, in sentences."""

    rule: Rule
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """``level`` is None below bronze; ``waived`` are the waived cases with the author's reasons."""

    level: Level | None
    unproven: tuple[Unproven, ...]
    waived: Mapping[str, str]

    @property
    def title(self) -> str:
        return self.level.title if self.level else "Below bronze"

    @property
    def next_level(self) -> tuple[Unproven, ...]:
        """What stands between this level and the next."""
        nearest = min((each.rule.level for each in self.unproven), default=None)
        return tuple(each for each in self.unproven if each.rule.level == nearest)


def rate(connector: type[Connector], outcomes: Outcomes) -> Rating:
    """The rating that these outcomes of the contract's cases prove; a case without an outcome proves nothing."""
    unproven = tuple(
        Unproven(rule, why) for rule in RULES if (why := tuple(_lacking(rule, connector, outcomes)))
    )
    lowest = min((each.rule.level for each in unproven), default=Level.PLATINUM + 1)
    waived = {
        name: outcome.partition(": ")[2] for name, outcome in outcomes.items() if outcome.startswith(WAIVED)
    }
    return Rating(Level(lowest - 1) if lowest > Level.BRONZE else None, unproven, waived)


def _lacking(rule: Rule, connector: type[Connector], outcomes: Outcomes) -> Iterable[str]:
    if rule.trait and (lacks := rule.trait(connector)):
        yield lacks
    for check in rule.checks:
        for case in case_names(connector, check):
            outcome = outcomes.get(case, "")
            if not outcome:
                yield f"{case} was not tried."
            elif outcome.startswith(FAILED):
                yield f"{case}: {outcome.partition(': ')[2]}"
            elif outcome.startswith(WAIVED) and check not in OF_THE_REMOTE:
                yield f"{case} was waived ({outcome.partition(': ')[2]})"
