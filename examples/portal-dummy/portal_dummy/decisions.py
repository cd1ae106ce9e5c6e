"""What Dummy has a say in: what goes where, how much is shown, what is the same. Pure functions."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from portal.sdk import FlowInfo, Hold, LeaveOut, Match, Offer, Order, Record, StockLevel, Unmatched
from portal.sdk.decisions import Route

PREFIX = "DUMMY-"


def route(flow: FlowInfo, records: Sequence[Record]) -> Iterable[Route]:
    """Orders noted as a test are left out, and those noted as a question wait for a person."""
    for record in records:
        if isinstance(record, Order) and record.note == "test":
            yield LeaveOut(record.external_id, f"It is a test, so {flow.target} does not need it.")
        elif isinstance(record, Order) and record.note.endswith("?"):
            mend = (
                "Answer the customer, remove the question from the order's note, then let it be read again."
            )
            yield Hold(record.external_id, "The customer asks something.", mend)


def availability(levels: Sequence[StockLevel], keep_back: int) -> Iterable[Offer]:
    """Some pieces of everything are kept back, whatever the flow's own buffer is."""
    for level in levels if keep_back else ():
        yield Offer(level.external_id, max(level.available - keep_back, Decimal(0)))


def match(unmatched: Sequence[Unmatched]) -> Iterable[Match]:
    """A key with Dummy's prefix means ours without it."""
    for each in unmatched:
        if each.key.startswith(PREFIX):
            yield Match(each.external_id, each.key.removeprefix(PREFIX))
