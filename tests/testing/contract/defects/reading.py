"""Paging and cursors."""

from datetime import UTC, datetime

from portal.sdk import (
    Page,
    read_each,
)
from tests.testing.contract.defects import rejected
from tests.testing.contract.orchard import Orchard


@rejected("every-page-is-read-order", "without o3")
class OnlyTheFirstPage:
    """Only the first page."""

    def pull(self, path, read, cursor):
        answer = self.http.get(path, params={"after": cursor or "0"}).json()
        last = answer["list"][-1]["seq"] if answer["list"] else cursor
        yield read_each(answer["list"], read, cursor=last)


@rejected("a-circle-ends-order", "pages that lead in a circle for ever")
class PagingWithoutAGuard:
    """Paging without a guard."""

    def pull(self, path, read, cursor):
        after = cursor or "0"
        while True:
            answer = self.http.get(path, params={"after": after}).json()
            after = answer["list"][-1]["seq"] if answer["list"] else after
            yield read_each(answer["list"], read, cursor=after)
            if not answer["more"]:
                return


@rejected("pages-come-one-by-one-order", "Yield each page as it comes")
class EverythingCollectedBeforeAnythingIsGiven:
    """Everything collected before anything is given."""

    def pull(self, path, read, cursor):
        pages = list(Orchard.pull(self, path, read, cursor))
        yield Page(tuple(each for page in pages for each in page.found), pages[-1].cursor)


@rejected("the-same-answers-read-the-same-order", "not the remote's")
class TheCursorIsOurOwnClock:
    """The cursor is our own clock."""

    def pull(self, path, read, cursor):
        for page in Orchard.pull(self, path, read, cursor):
            yield Page(page.found, datetime.now(UTC).isoformat(), page.rejected)


@rejected("the-cursor-leads-on-order", "reads everything again")
class TheCursorIsNotUsed:
    """The cursor is not used."""

    def pull(self, path, read, cursor):
        return Orchard.pull(self, path, read, None)


@rejected("the-cursor-leads-on-order", "Keep the cursor that it was given")
class AnEmptyPageForgetsTheCursor:
    """An empty page forgets the cursor."""

    def pull(self, path, read, cursor):
        for page in Orchard.pull(self, path, read, cursor):
            yield page if page.found else Page((), "")


@rejected("a-stop-in-the-middle-loses-nothing-order", "goes on without o3")
class TheFirstPagesCursorLeadsPastTheSecond:
    """The first page's cursor leads past the second."""

    def pull(self, path, read, cursor):
        for page in Orchard.pull(self, path, read, cursor):
            yield Page(page.found, "15", page.rejected)


@rejected("what-is-asked-for-comes-order", "Give exactly the objects asked for")
class AFetchThatReadsTheList:
    """A fetch that gives the first page."""

    def fetch_order(self, external_ids):
        return next(self.pull_order(None))
