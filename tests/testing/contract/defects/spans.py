"""Spans of time."""

from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("counting-agrees-with-reading-order", "says 2 for a span in which reading finds 3")
class CancelledOrdersAreNotCounted:
    """Cancelled orders are not counted."""

    def count_order(self, since, until):
        return Orchard.count_order(self, since, until) - 1


@rejected("a-span-is-read-whole-order", "gave ['o1', 'o2'] for a span in which there are ['o1', 'o2', 'o3']")
class OnlyTheFirstPageOfASpanIsRead:
    """Only the first page of a span is read."""

    def read_order(self, since, until, cursor):
        yield next(Orchard.read_order(self, since, until, cursor))


@rejected("a-span-is-read-whole-order", "goes on without o3")
class ASpanGoesOnTooFar:
    """After a stop a span goes on past what was not read."""

    def read_order(self, since, until, cursor):
        return Orchard.read_order(self, since, until, "15" if cursor else None)


@rejected("a-span-keeps-to-its-ends-order", "asks the same whatever until is")
class TheEndOfASpanIsForgotten:
    """The end of a span is forgotten."""

    def read_order(self, since, until, cursor):
        return self.pull("/orders", self.order, cursor, **{"from": since.isoformat()})


@rejected("reading-outlives-an-outage", "count_order met HTTP 500")
class AFailedCountIsNone:
    """A failed count is taken for none."""

    def count_order(self, since, until):
        try:
            return Orchard.count_order(self, since, until)
        except Exception:
            return 0
