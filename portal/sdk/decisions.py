"""Questions that the portal asks plugins before it decides, and their answers.

Each question is asked once for a whole page of records. An answer names its record by ``external_id``; for a
record without an answer the portal decides as it would alone. Of several answers to one record the first
counts: plugins are asked in the order of their names, the portal's own first.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from portal.sdk.records import Location, Product


@dataclass(frozen=True, slots=True)
class Send:
    """Let the record go along the flow, whatever a later plugin says."""

    external_id: str


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """Do not send the record to this target. ``reason`` is a sentence for its timeline.

    The record's next change asks again.
    """

    external_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Hold:
    """Let a person decide: the record is held in a case. ``reason`` says why, ``mend`` what to do about it."""

    external_id: str
    reason: str
    mend: str


Route = Send | LeaveOut | Hold


@dataclass(frozen=True, slots=True)
class Offer:
    """How many pieces to show in the channel: at least 0 and at most the portal's own figure, which is what can
    be sold without selling it twice."""

    external_id: str
    pieces: Decimal


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A product or location of a connection of which the portal does not know which of ours is meant.

    ``key`` is what it is called there: a product's SKU, a location's code; perhaps empty. ``record`` is the
    whole record, where it was just read; None where an earlier reading is looked at again.
    """

    external_id: str
    key: str
    record: Product | Location | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """It is ours of this ``key`` (the product's SKU, the location's code), for sure: the two are tied at once."""

    external_id: str
    key: str
